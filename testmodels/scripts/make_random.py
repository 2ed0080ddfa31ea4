"""Models of one or a few random operators each, with what ONNX Runtime gives for random inputs, as folders of ONNX
test data: make_random.py OUT COUNT SEED [FAMILY ...]. The sizes are those at which kernels change their ways.

What ONNX Runtime refuses is left out, and what Onda does otherwise on purpose (the list in RATIONALE.md).
"""

import pathlib
import random
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40]
CHANNELS = [1, 2, 3, 5, 8, 16, 40, 70]


class Draw:
    """A source of random choices, and the model that they make."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.n = np.random.RandomState(seed)
        self.start()

    def start(self):
        self.nodes, self.weights, self.last = [], [], "x"

    def one(self, *of):
        return self.r.choice(of)

    def size(self, low, high):
        return self.r.randint(low, high)

    def chance(self, p):
        return self.r.random() < p

    def values(self, *shape):
        return self.n.uniform(-2, 2, shape).astype(np.float32)

    def shape(self, most=20000):
        s = [self.one(*SIZES) for _ in range(self.size(1, 4))]
        while np.prod(s) > most:
            i = self.r.randrange(len(s))
            s[i] = max(1, s[i] // 2)
        return s

    def weight(self, value):
        """Adds an initializer and returns its name."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, op, *inputs, outputs=1, **attributes):
        """Adds a node whose first input, if none is given, is what came last."""
        names = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs) or [self.last], names, **attributes))
        self.last = names[0]

    def ints(self, values):
        return self.weight(np.array(values, np.int64))


def convolution(d, transposed=False):
    dims = d.one(1, 1, 2, 2, 2, 3)
    size = [d.size(1, d.one(2, 4, 4, 7, 11) if dims < 3 else 4) for _ in range(dims)]
    steps = [d.one(1, 1, 2, 2, 3, 4, 5, 8) for _ in range(dims)]
    group, cin, cout = d.one(1, 1, 1, 2, 3), d.one(*CHANNELS), d.one(*CHANNELS, 130)
    if d.chance(0.15):  # a channel each
        group, cin, cout = d.one(4, 9, 32), 1, d.one(1, 1, 2)
    attributes = dict(strides=steps, group=group, dilations=[d.one(1, 1, 1, 2, 3) for _ in range(dims)],
                      pads=[d.size(0, size[i % dims]) for i in range(2 * dims)])
    if transposed:
        attributes["output_padding"] = [d.size(0, s - 1) for s in steps]
    shape = (cin * group, cout) if transposed else (cout * group, cin)
    inputs = ["x", d.weight(d.values(*shape, *size) / np.float32(cin * np.prod(size)) ** 0.5)]
    if d.chance(0.6):
        inputs.append(d.weight(d.values(cout * group)))
    d.node("ConvTranspose" if transposed else "Conv", *inputs, **attributes)
    if d.chance(0.5):
        d.node(d.one("Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSwish"))
    if d.chance(0.3):
        d.node("Add", d.last, d.last)
    return d.values(d.size(1, 4), cin * group, *[d.size(1, {1: 200, 2: 24, 3: 9}[dims]) for _ in range(dims)])


def transposed(d):
    return convolution(d, transposed=True)


def pool(d):
    dims = d.one(1, 2, 2, 3)
    size = [d.size(1, 6) for _ in range(dims)]
    op = d.one("MaxPool", "AveragePool")
    attributes = dict(kernel_shape=size, strides=[d.size(1, 5) for _ in range(dims)], pads=[d.size(0, size[i % dims] - 1) for i in range(2 * dims)])
    if op == "AveragePool":
        attributes["count_include_pad"] = d.size(0, 1)
    if d.chance(0.3):
        attributes["ceil_mode"] = 1
    d.node(op, **attributes)
    return d.values(d.size(1, 3), d.one(1, 3, 8, 17), *[d.size(6, {1: 200, 2: 30, 3: 12}[dims]) for _ in range(dims)])


def recurrence(d):
    kind = d.one("LSTM", "GRU", "RNN")
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    hidden, width, steps, batch = d.one(1, 3, 8, 20, 33, 64, 130), d.one(1, 2, 5, 16, 40), d.size(1, 40), d.one(1, 1, 2, 3, 5, 8, 9, 17, 33)
    direction = d.one("forward", "reverse", "bidirectional")
    n = 2 if direction == "bidirectional" else 1
    attributes = dict(hidden_size=hidden, direction=direction)
    if kind == "GRU":
        attributes["linear_before_reset"] = d.size(0, 1)
    if kind == "LSTM" and d.chance(0.15):
        attributes["input_forget"] = 1
    if d.chance(0.2):
        attributes["activations"] = {"LSTM": ["Sigmoid", "Relu", "Tanh"], "GRU": ["HardSigmoid", "Tanh"], "RNN": ["Relu"]}[kind] * n
    optional = [(0.8, lambda: d.values(n, 2 * gates * hidden)), (0.3, lambda: d.n.randint(1, steps + 1, (batch,)).astype(np.int32)),
                (0.4, lambda: d.values(n, batch, hidden))]
    if kind == "LSTM":
        optional += [(0.4, lambda: d.values(n, batch, hidden)), (0.15, lambda: d.values(n, 3 * hidden))]
    inputs = ["x", d.weight(d.values(n, gates * hidden, width)), d.weight(d.values(n, gates * hidden, hidden) / np.float32(2 * hidden**0.5))]
    inputs += [d.weight(make()) if d.chance(p) else "" for p, make in optional]
    while inputs[-1] == "":
        inputs.pop()
    d.node(kind, *inputs, outputs=3 if kind == "LSTM" else 2, **attributes)
    return d.values(steps, batch, width)


def product(d):
    m, k, n = (d.one(1, 2, 3, 5, 8, 13, 16, 33, 64, 100, 257) for _ in range(3))
    kind = d.one("Gemm", "MatMul", "MatMulInteger")
    if kind == "Gemm":
        a, b = d.size(0, 1), d.size(0, 1)
        inputs = ["x", d.weight(d.values(*((n, k) if b else (k, n))))]
        if d.chance(0.7):
            inputs.append(d.weight(d.values(*d.one((n,), (1, n), (m, 1), (m, n), (1,)))))
        d.node("Gemm", *inputs, transA=a, transB=b, alpha=d.one(1.0, 0.5), beta=d.one(1.0, 2.0))
        x = d.values(*((k, m) if a else (m, k)))
    elif kind == "MatMul":
        lead = d.one((), (2,), (3, 2))
        d.node("MatMul", "x", d.weight(d.values(*d.one((), lead, lead[-1:]), k, n)))
        if d.chance(0.5):
            d.node("Add", d.last, d.weight(d.values(n)))
        x = d.values(*lead, m, k)
    else:
        d.node("DynamicQuantizeLinear", outputs=3)
        rows, scale, zero = d.nodes[-1].output
        d.node("MatMulInteger", rows, d.weight(d.n.randint(-60, 60, (k, n)).astype(np.int8)), zero)
        d.node("Cast", to=TensorProto.FLOAT)
        d.node("Mul", d.last, scale)
        return d.values(m, k)
    d.node(d.one("Relu", "Gelu", "Tanh", "Softmax", "Identity"))
    return x


def elementwise(d):
    shape = d.shape()
    x = d.values(*shape)
    for _ in range(d.size(1, 5)):
        if d.chance(0.5):
            d.node(d.one("Relu", "Tanh", "Sigmoid", "Erf", "Abs", "Neg", "Floor", "Softplus", "Elu", "Mish", "HardSigmoid", "Sign", "Sin", "Cos", "Gelu", "Celu"))
            continue
        other = [1 if d.chance(0.4) else n for n in shape][d.size(0, len(shape) - 1):]
        pair = [d.last, d.weight(d.values(*other))]
        d.r.shuffle(pair)
        d.node(d.one("Add", "Sub", "Mul", "Max", "Min"), *pair)
    return x


def reduction(d):
    shape = d.shape()
    axis = d.r.randrange(len(shape))
    kind = d.size(0, 4)
    if kind == 0:
        d.node(d.one("ArgMax", "ArgMin"), axis=axis, keepdims=d.size(0, 1), select_last_index=d.size(0, 1))
        return np.round(d.values(*shape))
    if kind == 1:
        d.node(d.one("Softmax", "LogSoftmax"), axis=axis - d.one(0, len(shape)))
    elif kind == 2:
        rest = shape[axis:]
        d.node("LayerNormalization", "x", d.weight(d.values(*rest)), d.weight(d.values(*rest)), axis=axis)
    elif kind == 3:
        d.node("CumSum", "x", d.weight(np.array(axis, np.int64)), exclusive=d.size(0, 1), reverse=d.size(0, 1))
    else:
        axes = sorted(d.r.sample(range(len(shape)), d.size(1, len(shape))))
        d.node(d.one("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare"),
               "x", d.ints(axes), keepdims=d.size(0, 1))
    return d.values(*shape)


def movement(d):
    shape = d.shape()
    rank, axis = len(shape), d.r.randrange(len(shape))
    kind = d.one("Transpose", "Concat", "Slice", "Pad", "Gather", "GatherElements", "Split", "TopK", "Resize")
    if kind == "Transpose":
        d.node(kind, perm=d.r.sample(range(rank), rank))
    elif kind == "Concat":
        other = d.weight(d.values(*shape[:axis], d.size(1, 20), *shape[axis + 1:]))
        d.node(kind, *d.one(["x", other], [other, "x"], ["x", other, "x"]), axis=axis)
    elif kind == "Slice":
        d.node(kind, "x", d.ints([d.size(-n, n) for n in shape]), d.ints([d.size(-n, n + 1) for n in shape]), d.ints(range(rank)),
               d.ints([d.one(1, 1, 2, 3, -1, -2) for _ in shape]))
    elif kind == "Pad":
        d.node(kind, "x", d.ints([d.size(0, min(4, n - 1)) for n in shape * 2]), mode=d.one("constant", "edge", "reflect", "wrap"))
    elif kind == "Gather":
        d.node(kind, "x", d.weight(d.n.randint(-shape[axis], shape[axis], (d.size(1, 9),)).astype(np.int64)), axis=axis)
    elif kind == "GatherElements":
        of = [d.size(1, 9) if i == axis else d.size(1, n) for i, n in enumerate(shape)]
        d.node(kind, "x", d.weight(d.n.randint(-shape[axis], shape[axis], of).astype(np.int64)), axis=axis)
    elif kind == "Split":
        n = d.size(0, shape[axis])
        d.node(kind, "x", d.ints([n, shape[axis] - n]), outputs=2, axis=axis)
    elif kind == "TopK":
        d.node(kind, "x", d.ints([d.size(1, shape[axis])]), outputs=2, axis=axis, largest=d.size(0, 1))
    else:
        shape = [d.size(1, 2), d.size(1, 5), d.size(1, 20), d.size(1, 20)]
        mode = d.one("nearest", "linear", "cubic")
        d.node(kind, "x", "", "", d.ints(shape[:2] + [d.size(1, 40), d.size(1, 40)]), mode=mode,
               coordinate_transformation_mode=d.one("half_pixel", "asymmetric", "pytorch_half_pixel"))
    return d.values(*shape)


FAMILIES = {f.__name__: f for f in (convolution, transposed, pool, recurrence, product, elementwise, reduction, movement)}


def write(folder, d, x):
    """Writes a test case if ONNX Runtime takes it, and reports whether it does."""
    fixed = d.chance(0.5)
    graph = helper.make_graph(d.nodes, "random", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape if fixed else [f"d{i}" for i in range(x.ndim)])],
                              [helper.make_empty_tensor_value_info(o) for o in d.nodes[-1].output], d.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    try:
        model = onnx.shape_inference.infer_shapes(model)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        outputs = session.run(None, {"x": x})
    except Exception:
        return False
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (data / "input_0.pb").write_bytes(numpy_helper.from_array(x, "x").SerializeToString())
    for i, y in enumerate(outputs):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(y, session.get_outputs()[i].name).SerializeToString())
    return True


def main(out, count, seed, *families):
    d = Draw(int(seed))
    made = 0
    while made < int(count):
        d.start()
        family = d.one(*(families or FAMILIES))
        x = FAMILIES[family](d)
        made += write(pathlib.Path(out) / f"{family}_{seed}_{made}", d, x)


if __name__ == "__main__":
    main(*sys.argv[1:])
