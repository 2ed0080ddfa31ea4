// Command comparetrain measures training steps of package lstmattn beside those
// of its PyTorch twin (testmodels/scripts/twin.py), and prints a Markdown table.
//
//	comparetrain -python PYTHON -scripts testmodels/scripts [-readme README.md]
//
// Both sides start from the same parameters and train on the same batch with
// the same number of threads: gradient with teacher forcing 0.5, clipping,
// AdamW. Before anything is measured their losses of one step are compared. A
// ratio is measured, never a time alone: the sides take turns, a step each,
// PyTorch in a process of its own that waits while it is not its turn, and the
// table has the median and the quartiles of the rounds' ratios. make
// compare-train does all of it.
//
// PyTorch multiplies with the BLAS that the system has as libblas.so.3, which on
// Debian is the reference BLAS unless another is installed, and once more with
// OpenBLAS (-openblas), for what a user who cares would have. The table names
// what it had loaded.
//
// Onda trains as package lstmattn/train does: a batch is split into shards, one
// to a thread. After the turns its steps are measured alone, and their rate is
// set beside the peak: the operations of the matrix products of a gradient
// (products.go), an addition and a multiplication being two, over the time of the
// whole step, everything that is not a product included; and the most fused
// multiply-adds of float32 that as many threads do at once in registers. So the
// share is below what the products alone reach.
//
// A second table has the memory of a step at batches and windows of equal
// steps, and what a warm one allocates (memory.go).
//
// All of it takes about five minutes on two cores, most of them for PyTorch with
// the reference BLAS.
package main
