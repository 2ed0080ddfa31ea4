// Package ops is the table of operators: for every ONNX operator the opset
// versions in which its meaning changed, the attributes each takes, what it
// says about its outputs before running ([Kernel].Infer) and how it runs
// ([Kernel].Run).
//
// What belongs here: reading attributes, choosing a version's semantics,
// checking arity and types, working out shapes, and binding to the numbers in
// ops/kernel. What does not: loops over elements (ops/kernel), the graph
// (runtime), the file format (onnx).
//
// # Adding an operator
//
// LeakyRelu from nothing to passing touches one place, a family file such as
// activation.go:
//
//  1. write a struct with its attributes and the methods Infer and Run;
//  2. write its constructor, reading every attribute through [Attrs]
//     (an attribute nobody read is refused at load);
//  3. add one row to the family's list of [Op], with a [Version] for every
//     opset in which the arithmetic, a type list or a default changed.
//
// table.go names the families. Superseded semantics live in *_old.go. A user
// adds operators from outside the module in the same way, with [Set.With].
package ops
