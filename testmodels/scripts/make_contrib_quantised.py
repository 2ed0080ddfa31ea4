"""contrib/: quantised operators of com.microsoft over their types, scales, zero points and broadcasting.

Expected outputs come from ONNX Runtime, without its optimisations. int8 weights beside uint8 data have 7 bits: with more,
ONNX Runtime's sums of pairs saturate on machines without VNNI.
"""

import itertools

import numpy as np

import make_contrib
from make_contrib import Constant

random = np.random.default_rng(13)
U, S = np.uint8, np.int8
BYTES = (("u8", U), ("s8", S))
PAIRS = (("u8_u8", U, U), ("u8_s8", U, S), ("s8_s8", S, S))  # of data and weights; ONNX Runtime has no s8_u8


def f(*shape):
    return random.normal(0, 1, shape).astype(np.float32)


def q(t, *shape, bits=8):
    info, spare = np.iinfo(t), 1 << 8 - bits
    return random.integers(info.min // spare, info.max // spare + 1, shape).astype(t)


def s(v):
    return np.array(v, np.float32)


def zero(t, v=None):
    return np.array((120 if t == U else -5) if v is None else v, t)


def each(n):
    """n scales."""
    return np.abs(f(n)) * np.float32(0.01) + np.float32(1e-3)


def elementwise():
    shapes = {"same": ((2, 3, 4), (2, 3, 4)), "row": ((2, 3, 4), (4,)), "crossed": ((2, 1, 4), (3, 1)), "scalar": ((2, 3), ()), "left": ((1,), (2, 5)), "long": ((3, 37), (3, 37))}
    for op, (name, t), (form, (a, b)) in itertools.product(("Add", "Mul"), BYTES, shapes.items()):
        yield f"qlinear_{op.lower()}_{name}_{form}", f"QLinear{op}", [q(t, *a), s(0.03), zero(t), q(t, *b), s(0.02), zero(t, 7), s(0.05 if op == "Add" else 0.04), zero(t, 100)], [1], {}
    all_u, all_s = np.arange(256).astype(U).reshape(2, 128), np.arange(-128, 128).astype(S).reshape(2, 128)
    for (name, t), x in zip(BYTES, (all_u, all_s)):
        yield f"qlinear_sigmoid_{name}", "QLinearSigmoid", [x, s(0.05), zero(t), s(1 / 256), zero(t, np.iinfo(t).min)], [1], {}
        yield f"qlinear_leaky_relu_{name}", "QLinearLeakyRelu", [x, s(0.05), zero(t), s(0.04), zero(t, 9)], [1], {"alpha": 0.3}
        yield f"qlinear_softmax_{name}", "QLinearSoftmax", [x[:, 60:77].copy(), s(0.1), zero(t), s(1 / 256), zero(t, np.iinfo(t).min)], [1], {"opset": 13}
        for opset, axis in (13, 1), (11, 1), (11, -1), (13, 0):
            yield f"qlinear_softmax_{name}_{opset}_{axis % 3}", "QLinearSoftmax", [q(t, 2, 3, 4), s(0.02), zero(t), s(1 / 256), zero(t, np.iinfo(t).min)], [1], {"opset": opset, "axis": axis}
    yield "qlinear_sigmoid_no_zeros", "QLinearSigmoid", [all_s, s(0.05), None, s(1 / 128), None], [1], {}
    yield "qlinear_leaky_relu_no_zeros", "QLinearLeakyRelu", [all_s, s(0.05), None, s(0.05), None], [1], {}
    yield "qlinear_softmax_no_zero", "QLinearSoftmax", [q(U, 2, 9), s(0.1), None, s(1 / 256), zero(U, 0)], [1], {"opset": 13}


def concatenated():
    for (name, t), axis in itertools.product(BYTES, (0, 1, -1)):
        sizes = [(2, 3, 4), (2, 3, 4), (2, 3, 4)]
        sizes[1] = tuple(1 if i == axis % 3 else n for i, n in enumerate(sizes[1]))
        parts = [p for i, shape in enumerate(sizes) for p in (q(t, *shape), s(0.02 + 0.01 * i), zero(t, 3 * i))]
        yield f"qlinear_concat_{name}_{axis % 3}", "QLinearConcat", [s(0.03), zero(t), *parts], [1], {"axis": axis}
    yield "qlinear_concat_alike", "QLinearConcat", [s(0.02), zero(U), q(U, 2, 3), s(0.02), zero(U), q(U, 1, 3), s(0.02), zero(U)], [1], {"axis": 0}


def pooled():
    for (name, t), last in itertools.product(BYTES, (0, 1)):
        shape = lambda *d: (d[0], *d[2:], d[1]) if last else d
        suffix = f"{name}_{'last' if last else 'first'}"
        for form, dims, attributes in [
                ("plain", (2, 3, 5, 6), {"kernel_shape": [2, 3]}),
                ("padded", (1, 3, 5, 6), {"kernel_shape": [3, 3], "pads": [1, 0, 1, 2], "strides": [2, 1]}),
                ("counted", (1, 3, 5, 6), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
                ("ceiled", (1, 3, 6, 6), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
                ("same", (1, 3, 5, 6), {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
                ("line", (1, 3, 8), {"kernel_shape": [3], "pads": [1, 1]}),
                ("space", (1, 2, 3, 4, 3), {"kernel_shape": [2, 2, 2]})]:
            yield f"qlinear_pool_{suffix}_{form}", "QLinearAveragePool", [q(t, *shape(*dims)), s(0.02), zero(t), s(0.015), zero(t, 10)], [1], attributes | {"channels_last": last}
        for form, dims in ("plane", (2, 5, 4, 3)), ("line", (1, 3, 7)), ("space", (1, 2, 2, 3, 2)):
            yield f"qlinear_global_pool_{suffix}_{form}", "QLinearGlobalAveragePool", [q(t, *shape(*dims)), s(0.02), zero(t), s(0.015), zero(t, 10)], [1], {"channels_last": last}
        yield f"nhwc_maxpool_{suffix}", "NhwcMaxPool", [q(t, 1, 6, 7, 3)], [1], {"kernel_shape": [2, 3], "strides": [2, 1]} | ({"dilations": [2, 1], "ceil_mode": 1} if last else {"auto_pad": "SAME_LOWER"})


def products():
    for name, a, b in PAIRS:
        bits = 7 if b == S else 8
        x, w = q(a, 3, 8), q(b, 8, 5, bits=bits)
        yield f"qgemm_{name}_real", "QGemm", [x, s(0.02), zero(a), w, s(0.01), zero(b, 3)], [1], {"alpha": 1.0}
        yield f"qgemm_{name}", "QGemm", [x, s(0.02), zero(a), w, each(5), np.full(5, 3, b), random.integers(-900, 900, 5).astype(np.int32), s(0.05), zero(a)], [1], {"alpha": 1.0}
        yield f"qgemm_{name}_turned", "QGemm", [np.ascontiguousarray(x.T), s(0.02), zero(a), np.ascontiguousarray(w.T), s(0.01), zero(b, 3), random.integers(-900, 900, (3, 1)).astype(np.int32)], [1], {"transA": 1, "transB": 1, "alpha": 0.5}
        yield f"qgemm_{name}_constant", "QGemm", [x, s(0.02), zero(a), Constant(w.T), Constant(each(5)), Constant(np.zeros(5, b)), Constant(random.integers(-900, 900, 5).astype(np.int32)), s(0.05), zero(a)], [1], {"transB": 1}
        wide = q(a, 2, 1, 3, 8)
        yield f"matmul_to_float_{name}", "MatMulIntegerToFloat", [wide, q(b, 8, 5, bits=bits), s(0.02), s(0.01), zero(a), zero(b, 3), f(5)], [1], {}
        yield f"matmul_to_float_{name}_columns", "MatMulIntegerToFloat", [wide, q(b, 4, 8, 5, bits=bits), s(0.02), each(5), zero(a)], [1], {}
        yield f"matmul_to_float_{name}_zeros", "MatMulIntegerToFloat", [wide, Constant(q(b, 8, 5, bits=bits)), s(0.02), Constant(each(5)), zero(a), Constant(q(b, 5, bits=3))], [1], {}
    yield "matmul_to_float_alone", "MatMulIntegerToFloat", [q(U, 3, 8), q(U, 8, 5), s(0.02), s(0.01)], [1], {}
    for bn, b in BYTES:
        x, w = f(2, 3, 8), q(b, 8, 5, bits=7 if b == S else 8)
        yield f"dynamic_matmul_{bn}", "DynamicQuantizeMatMul", [x, w, s(0.01)], [1], {}
        yield f"dynamic_matmul_{bn}_columns", "DynamicQuantizeMatMul", [x, w, each(5), q(b, 5, bits=4), f(5)], [1], {}
        yield f"dynamic_matmul_{bn}_constant", "DynamicQuantizeMatMul", [x, Constant(w), Constant(each(5)), Constant(q(b, 5, bits=4)), Constant(f(5))], [1], {}
        yield f"dynamic_matmul_{bn}_batches", "DynamicQuantizeMatMul", [f(2, 1, 3, 8), q(b, 3, 8, 5, bits=7 if b == S else 8), s(0.01), zero(b, 3)], [1], {}
        yield f"dynamic_matmul_{bn}_positive", "DynamicQuantizeMatMul", [np.abs(f(3, 8)) + np.float32(1), w, s(0.01), None, f(5)], [1], {}
        yield f"dynamic_matmul_{bn}_level", "DynamicQuantizeMatMul", [np.zeros((3, 8), np.float32), w, s(0.01), None, f(5)], [1], {}


def converted():
    x = np.concatenate([f(2, 3, 4) * 3, np.array([-1e9, 0.5, 1.5, 2.5, 1e9, -0.5, -2.5, 0, 7, 8, 9, 10], np.float32).reshape(1, 3, 4)])
    for t in U, S, np.uint16, np.int16:
        name = np.dtype(t).name
        big = np.iinfo(t).max // 2
        yield f"quantize_{name}", "QuantizeLinear", [x, s(0.05 if t in (U, S) else 0.0005), zero(t, big)], [1], {}
        yield f"quantize_{name}_axis", "QuantizeLinear", [x, each(3), np.array([1, 2, 3], t)], [1], {"axis": 1}
        yield f"dequantize_{name}", "DequantizeLinear", [q(U, 2, 3).astype(t), s(0.05), zero(t, big)], [1], {}
        yield f"dequantize_{name}_axis", "DequantizeLinear", [q(U, 2, 3).astype(t), each(2), np.array([1, 2], t)], [1], {"axis": 0}
    yield "quantize_no_zero", "QuantizeLinear", [x, s(0.05)], [1], {}
    yield "dequantize_int32", "DequantizeLinear", [random.integers(-9999, 9999, (2, 3)).astype(np.int32), s(0.05)], [1], {}
    yield "quantize_half", "QuantizeLinear", [x[:2].astype(np.float16), s(0.05).astype(np.float16), zero(U)], [1], {}
    yield "dequantize_half", "DequantizeLinear", [q(S, 2, 3), s(0.05).astype(np.float16), zero(S)], [1], {}


def convolved():
    for (pair, x, w), last in itertools.product(PAIRS, (0, 1)):
        data = q(x, *((1, 6, 5, 4) if last else (1, 4, 6, 5)))
        name = f"{pair}_{'last' if last else 'first'}"
        bits = 7 if w == S else 8
        bias = random.integers(-900, 900, 6).astype(np.int32)
        y = [s(0.06), zero(x, 10)]
        yield f"qlinear_conv_{name}", "QLinearConv", [data, s(0.02), zero(x), Constant(q(w, 6, 2, 3, 2, bits=bits)), Constant(each(6)), Constant(np.full(6, 0 if w == S else 128, w)), *y, Constant(bias)], [1], {"channels_last": last, "group": 2, "strides": [2, 1], "pads": [1, 0, 1, 1]}
        yield f"qlinear_conv_{name}_depthwise", "QLinearConv", [data, s(0.02), zero(x), Constant(q(w, 4, 1, 3, 3, bits=bits)), s(0.01), zero(w, 3), *y], [1], {"channels_last": last, "group": 4, "auto_pad": "SAME_UPPER", "dilations": [1, 1]}
    yield "qlinear_conv_line_last", "QLinearConv", [q(U, 1, 9, 3), s(0.02), zero(U), Constant(q(S, 4, 3, 3, bits=7)), s(0.01), zero(S, 0), s(0.05), zero(U)], [1], {"channels_last": 1, "dilations": [2]}


def embedded():
    words, segments = random.integers(0, 10, (2, 4)).astype(np.int32), random.integers(0, 2, (2, 4)).astype(np.int32)
    mask = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], np.int32)
    for name, t in BYTES:
        tables = [q(t, 10, 8), q(t, 6, 8), q(t, 2, 8), q(t, 8), q(t, 8)]
        scales, zeros = [s(0.01 + 0.01 * i) for i in range(5)], [zero(t, 3 * i) for i in range(5)]
        yield f"qembed_{name}", "QEmbedLayerNormalization", [words, segments, *tables, mask, *scales, *zeros], [1, 1], {}
        without = lambda five: [*five[:2], None, *five[3:]]
        yield f"qembed_{name}_no_segments", "QEmbedLayerNormalization", [words, None, *without(tables), None, *without(scales), *without(zeros)], [1, 1], {"epsilon": 1e-2}
        yield f"qembed_{name}_constant", "QEmbedLayerNormalization", [words, segments, *map(Constant, tables), mask, *map(Constant, [*scales, *zeros])], [1, 1], {}


def recurrent():
    T, B, I, H = 4, 2, 3, 5
    for (name, t), (direction, D) in itertools.product(BYTES, (("forward", 1), ("reverse", 1), ("bidirectional", 2))):
        w, r = q(t, D, I, 4 * H, bits=7), q(t, D, H, 4 * H, bits=7)
        one = [Constant(np.full(D, 0.012, np.float32)), Constant(np.full(D, 64 if t == U else 0, t))]
        columns = [Constant(each(D * 4 * H).reshape(D, -1)), Constant(np.full((D, 4 * H), 0, t))]
        h = {"hidden_size": H, "direction": direction}
        rest = lambda lens=None, h0=None, c0=None, p=None: [lens, h0, c0, p]
        data = [f(T, B, I), Constant(w), Constant(r)]
        yield f"dynamic_lstm_{name}_{direction}", "DynamicQuantizeLSTM", [*data, f(D, 8 * H), *rest(), *one, *one], [1, 1, 1], h
        if t == S:
            yield f"dynamic_lstm_{name}_{direction}_states", "DynamicQuantizeLSTM", [*data, None, *rest(None, f(D, B, H), f(D, B, H), f(D, 3 * H)), *columns, *columns], [1, 1, 1], h
            yield f"dynamic_lstm_{name}_{direction}_others", "DynamicQuantizeLSTM", [*data, f(D, 8 * H), *rest(), *columns, *columns], [1, 1, 1], h | {"activations": ["HardSigmoid", "Softsign", "Tanh"] * D, "activation_alpha": [0.3] * D, "activation_beta": [0.4] * D}
    yield "dynamic_lstm_clip", "DynamicQuantizeLSTM", [*data, f(2, 8 * H), *rest(), *columns, *columns], [1, 1, 1], h | {"clip": 0.4}
    yield "dynamic_lstm_coupled", "DynamicQuantizeLSTM", [*data, f(2, 8 * H), *rest(), *columns, *columns], [1, 1, 1], h | {"input_forget": 1}


def every():
    """Every second case has its scales and zero points as initializers."""
    made = itertools.chain(*(m() for m in (elementwise, concatenated, pooled, products, converted, convolved, embedded, recurrent)))
    for i, (name, op, inputs, *rest) in enumerate(made):
        if i % 2:
            inputs = [Constant(a) if isinstance(a, np.ndarray) and a.ndim == 0 and j else a for j, a in enumerate(inputs)]
        yield name, op, inputs, *rest


if __name__ == "__main__":
    make_contrib.main(every, __doc__)
