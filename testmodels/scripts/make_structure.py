"""structure/: graphs whose shape is the point: functions, subgraphs and what they capture, external data.

Built node by node; expected outputs by numpy in float64.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, parser

import cases
from formula import lstm

FLOAT = np.float32


def rand(seed, *shape):
    return np.random.default_rng(seed).normal(0, 0.7, shape)


def model(text, **initializers):
    """Parses ONNX's textual form and adds initialisers to the graph."""
    m = parser.parse_model(text)
    m.graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in initializers.items())
    m.producer_name = "onda"
    return m


def f32(*arrays):
    return [np.asarray(a, FLOAT) if np.asarray(a).dtype.kind == "f" else np.asarray(a) for a in arrays]


def function_in_scan():
    """Scan whose body calls a model-local function, which calls another: h' = tanh(Wx + Uh)."""
    w, u = rand(1, 3, 4).astype(FLOAT), rand(2, 4, 4).astype(FLOAT)
    m = model("""
        <ir_version: 8, opset_import: ["" : 18, "local" : 1]>
        recurrence (float[time,batch,3] x, float[batch,4] h0) => (float[batch,4] last, float[time,batch,4] y) {
            last, y = Scan <num_scan_inputs = 1, body = step (float[batch,4] h, float[batch,3] xt)
                => (float[batch,4] next, float[batch,4] out) {
                    next = local.Cell (xt, h, w, u)
                    out = Identity (next)
                }> (h0, x)
        }
        <domain: "local", opset_import: ["" : 18, "local" : 1]>
        Cell (xt, h, w, u) => (next) {
            z = local.Project (xt, w)
            k = local.Project (h, u)
            s = Add (z, k)
            next = Tanh (s)
        }
        <domain: "local", opset_import: ["" : 18]>
        Project (a, b) => (c) { c = MatMul (a, b) }
        """, w=w, u=u)
    sets = []
    for steps, batch in ((5, 2), (3, 4)):
        x, h = rand(steps, steps, batch, 3), rand(batch, batch, 4)
        x, h = f32(x, h)
        state, y = h.astype(np.float64), []
        for xt in x.astype(np.float64):
            state = np.tanh(xt @ w + state @ u)
            y.append(state)
        sets.append((f32(x, h), f32(state, np.stack(y))))
    return m, sets


def function_in_if():
    """If whose branches call functions with an attribute passed on by reference and one left at its default."""
    m = model("""
        <ir_version: 9, opset_import: ["" : 19, "local" : 1]>
        branch (float[n] x, bool positive) => (float[n] y) {
            y = If (positive) <
                then_branch = yes () => (float[n] a) { a = local.Leak <slope = 0.3> (x) },
                else_branch = no () => (float[n] b) { b = local.Leak (x) }
            >
        }
        <domain: "local", opset_import: ["" : 19]>
        Leak <slope: float = 0.05> (v) => (w) { w = LeakyRelu <alpha: float = @slope> (v) }
        """)
    x, = f32(rand(3, 6))
    def leak(a):
        return np.where(x < 0, a * x.astype(np.float64), x)
    return m, [(f32(x, np.array(True)), f32(leak(0.3))), (f32(x, np.array(False)), f32(leak(0.05)))]


def function_other_opset():
    """A function that imports an older opset than the model's; the operators in it are the same in both."""
    m = model("""
        <ir_version: 8, opset_import: ["" : 17, "local" : 2]>
        sums (float[a,b,1] x) => (float[a] y, float[a,b] z) {
            axes = Constant <value = int64[1] {2}> ()
            z = Squeeze (x, axes)
            y = local.RowSums (z)
        }
        <domain: "local", opset_import: ["" : 13]>
        RowSums (v) => (w) {
            axes = Constant <value = int64[1] {1}> ()
            w = ReduceSum <keepdims = 0> (v, axes)
        }
        """)
    x, = f32(rand(4, 3, 5, 1))
    return m, [([x], f32(x.astype(np.float64).sum((1, 2)), x[:, :, 0]))]


def loop_captures():
    """Loop with two carried values, a scan output, captures from two levels out and an If inside; stops early."""
    m = model("""
        <ir_version: 8, opset_import: ["" : 16]>
        outer (float[n] x, int64 trips, float limit) => (float[n] last, float total, float[k,n] seen) {
            yes = Constant <value = bool {1}> ()
            zero = Constant <value = float {0}> ()
            factor = Constant <value = float {1.5}> ()
            last, total, seen = Loop (trips, yes, x, zero) <body = step
                (int64 i, bool going, float[n] v, float sum) => (bool more, float[n] next, float added, float[n] kept) {
                    two = Constant <value = int64 {2}> ()
                    none = Constant <value = int64 {0}> ()
                    rest = Mod (i, two)
                    even = Equal (rest, none)
                    next = If (even) <
                        then_branch = grow () => (float[n] a) { a = Mul (v, factor) },
                        else_branch = shift () => (float[n] b) { b = Sub (v, x) }
                    >
                    size = ReduceMax <keepdims = 0> (next)
                    added = Add (sum, size)
                    more = Less (added, limit)
                    kept = Identity (v)
                }>
        }
        """)
    sets = []
    for seed, trips, limit in ((5, 6, 1e9), (6, 9, 4.0), (7, 1, -5.0)):
        x, = f32(np.abs(rand(seed, 4)))
        v, total, seen = x.astype(np.float64), 0.0, []
        for i in range(trips):
            seen.append(v)
            v = v * 1.5 if i % 2 == 0 else v - x
            total += v.max()
            if not total < limit:
                break
        sets.append((f32(x, np.int64(trips), np.float64(limit)), f32(v, np.float64(total), np.stack(seen))))
    return m, sets


def loop_no_trips():
    """Loop that runs no step: the carried value comes out as it went in, the scan output is empty."""
    m = model("""
        <ir_version: 8, opset_import: ["" : 17]>
        outer (float[2] x, int64 trips) => (float[2] last, float[k,2] seen) {
            last, seen = Loop (trips, , x) <body = step
                (int64 i, bool going, float[2] v) => (bool more, float[2] next, float[2] kept) {
                    more = Identity (going)
                    next = Add (v, v)
                    kept = Identity (next)
                }>
        }
        """)
    x, = f32(rand(8, 2))
    return m, [(f32(x, np.int64(0)), f32(x, np.zeros((0, 2)))),
               (f32(x, np.int64(2)), f32(4 * x, np.stack([2 * x, 4 * x])))]


def loop_sequence():
    """A sequence carried through Loop, read from its end, erased from and joined with a new axis."""
    m = model("""
        <ir_version: 8, opset_import: ["" : 17]>
        outer (float[n] x, int64 trips) => (float[k,n] joined, int64 length, float[n] first) {
            empty = SequenceEmpty <dtype = 1> ()
            start = SequenceInsert (empty, x)
            yes = Constant <value = bool {1}> ()
            grown = Loop (trips, yes, start) <body = step
                (int64 i, bool going, seq(float[n]) s) => (bool more, seq(float[n]) t) {
                    more = Identity (going)
                    end = Constant <value = int64 {-1}> ()
                    v = SequenceAt (s, end)
                    w = Add (v, x)
                    t = SequenceInsert (s, w)
                }>
            front = Constant <value = int64 {0}> ()
            first = SequenceAt (grown, front)
            shorter = SequenceErase (grown, front)
            length = SequenceLength (shorter)
            joined = ConcatFromSequence <axis = 0, new_axis = 1> (shorter)
        }
        """)
    sets = []
    for seed, trips in ((9, 3), (10, 5)):
        x, = f32(rand(seed, 3))
        steps = [x.astype(np.float64) * (i + 2) for i in range(trips)]
        sets.append((f32(x, np.int64(trips)), f32(np.stack(steps), np.int64(trips), x)))
    return m, sets


def scan_reversed():
    """Scan over two inputs, one backwards along another axis, with one output written backwards."""
    m = model("""
        <ir_version: 8, opset_import: ["" : 16]>
        outer (float[time,n] a, float[n,time] b) => (float[n] last, float[n,time] back, float[time,n] there) {
            zero = Constant <value = float[3] {0, 0, 0}> ()
            last, back, there = Scan <num_scan_inputs = 2, scan_input_axes = [0, 1], scan_input_directions = [0, 1],
                    scan_output_axes = [1, 0], scan_output_directions = [1, 0], body = step
                (float[n] s, float[n] u, float[n] v) => (float[n] next, float[n] p, float[n] q) {
                    m = Mul (u, v)
                    next = Add (s, m)
                    p = Identity (next)
                    q = Sub (next, u)
                }> (zero, a, b)
        }
        """)
    sets = []
    for steps in (4, 6):
        a, b = f32(rand(steps, steps, 3), rand(steps + 1, 3, steps))
        state, p, q = np.zeros(3), [], []
        for t in range(steps):
            state = state + a[t].astype(np.float64) * b[:, steps - 1 - t]
            p.append(state)
            q.append(state - a[t])
        sets.append(([a, b], f32(state, np.stack(p[::-1], 1), np.stack(q))))
    return m, sets


def shadowed_names():
    """Both branches use the same names for different values, and one returns a value of the outer graph."""
    m = model("""
        <ir_version: 8, opset_import: ["" : 17]>
        outer (float[n] x, bool c) => (float[n] y, float z) {
            shared = Exp (x)
            y, z = If (c) <
                then_branch = yes () => (float[n] r, float s) { t = Neg (shared) r = Relu (x) s = ReduceSum <keepdims = 0> (t) },
                else_branch = no () => (float[n] r, float s) { t = Abs (x) r = Identity (shared) s = ReduceMax <keepdims = 0> (t) }
            >
        }
        """)
    x, = f32(rand(11, 5))
    e = np.exp(x.astype(np.float64))
    return m, [(f32(x, np.array(True)), f32(np.maximum(x, 0), -e.sum())), (f32(x, np.array(False)), f32(e, np.abs(x).max()))]


def typed_fields():
    """Initialisers in every typed field instead of raw_data, read back through casts and sums."""
    tensors = {"f": ("FLOAT", [1.5, -2]), "d": ("DOUBLE", [0.25, 4]), "i": ("INT32", [3, -7]), "l": ("INT64", [5, 1 << 40]),
               "h": ("FLOAT16", [0.5, 2]), "b": ("BFLOAT16", [1.0, -3]), "c": ("INT8", [-8, 9]), "u": ("UINT8", [200, 1]),
               "s": ("INT16", [-300, 300]), "v": ("UINT16", [60000, 2]), "t": ("BOOL", [1, 0]), "w": ("UINT64", [7, 8]),
               "x": ("UINT32", [9, 4000000000])}
    nodes, total, previous = [], np.zeros(2), "start"
    for name, (kind, values) in tensors.items():
        nodes += [helper.make_node("Cast", [name], [name + "_d"], to=TensorProto.DOUBLE),
                  helper.make_node("Add", [previous, name + "_d"], [name + "_sum"])]
        previous = name + "_sum"
        total += np.array(values, np.float64)
    nodes[-1].output[0] = "total"
    info = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, [2]) for n in ("start", "total")]
    graph = helper.make_graph(nodes, "typed", info[:1], info[1:],
                              [helper.make_tensor(n, getattr(TensorProto, kind), [2], v) for n, (kind, v) in tensors.items()])
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="onda")
    return m, [([np.array([0.5, 1.0])], [total + [0.5, 1.0]])]


def sparse_initialiser():
    """A weight given as a sparse initialiser."""
    w = np.zeros((4, 3), FLOAT)
    w[0, 1], w[2, 2], w[3, 0] = 1.5, -2, 0.75
    m = model("""
        <ir_version: 8, opset_import: ["" : 17]>
        sparse (float[n,4] x) => (float[n,3] y) { y = MatMul (x, w) }
        """)
    where = np.flatnonzero(w)
    m.graph.sparse_initializer.append(helper.make_sparse_tensor(
        numpy_helper.from_array(w.flatten()[where], "w"), numpy_helper.from_array(where.astype(np.int64), ""), [4, 3]))
    x, = f32(rand(21, 2, 4))
    return m, [([x], f32(x.astype(np.float64) @ w))]


def optional_input():
    """An initialiser that is an input too: left out, it is the default; given, it overrides."""
    m = model("""
        <ir_version: 3, opset_import: ["" : 9]>
        scaled (float[n] x, float[1] gain) => (float[n] y) { y = Mul (x, gain) }
        """, gain=np.array([2.5], FLOAT))
    x, = f32(rand(22, 4))
    return m, [([x], f32(x * 2.5))]


def strings():
    """String tensors: categories compared and looked up by position."""
    m = model("""
        <ir_version: 8, opset_import: ["" : 17]>
        categories (string[n] name, int64[k] where) => (bool[n] same, string[k] picked) {
            wanted = Constant <value = string[1] {"north"}> ()
            same = Equal (name, wanted)
            picked = Gather (name, where)
        }
        """)
    m.opset_import[0].version = 19
    m.ir_version = 9
    name = np.array(["north", "south", "north", "föhn"], object)
    where = np.array([3, 0], np.int64)
    return m, [([name, where], [name == "north", name[where]])]


def external_data(folder):
    """Weights in a file beside the model, two of them at offsets, one small one inside."""
    w, r, b = (rand(s, *shape).astype(FLOAT) for s, shape in ((23, (1, 16, 3)), (24, (1, 16, 4)), (25, (1, 32))))
    m = model("""
        <ir_version: 8, opset_import: ["" : 14]>
        outside (float[time,batch,3] x) => (float[time,1,batch,4] y) { y = LSTM <hidden_size = 4> (x, w, r, b) }
        """, w=w, r=r, b=b)
    sets = []
    for steps, batch in ((3, 2), (5, 1)):
        x, = f32(rand(steps + 70, steps, batch, 3))
        sets.append(([x], f32(lstm(x, w, r, b)[0])))
    cases.write(folder, m, [])
    blob = bytearray()
    for t in m.graph.initializer[:2]:
        blob.extend(b"\0" * (-len(blob) % 64))
        onnx.external_data_helper.set_external_data(t, "weights.bin", offset=len(blob), length=len(t.raw_data))
        blob.extend(t.raw_data)
        t.ClearField("raw_data")
    (folder / "weights.bin").write_bytes(blob)
    (folder / "model.onnx").write_bytes(m.SerializeToString(deterministic=True))
    cases.write_sets(folder, m, sets)


def all_cases():
    yield "function_in_scan", function_in_scan()
    yield "function_in_if", function_in_if()
    yield "function_other_opset", function_other_opset()
    yield "loop_captures", loop_captures()
    yield "loop_no_trips", loop_no_trips()
    yield "loop_sequence", loop_sequence()
    yield "scan_reversed", scan_reversed()
    yield "shadowed_names", shadowed_names()
    yield "typed_fields", typed_fields()
    yield "sparse_initialiser", sparse_initialiser()
    yield "optional_input", optional_input()
    yield "strings", strings()


if __name__ == "__main__":
    asked = cases.arguments(__doc__)
    for name, (built, sets) in all_cases():
        if asked.only in name:
            cases.write(asked.out / "structure" / name, built, sets)
    if asked.only in "external_data":
        external_data(asked.out / "structure" / "external_data")
