"""contrib/: single operators of ONNX Runtime's own domain, com.microsoft, over their attributes, masks and caches.

Expected outputs come from ONNX Runtime, without its optimisations.
"""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

import cases

TYPES = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("float16"): TensorProto.FLOAT16, np.dtype("int32"): TensorProto.INT32,
         np.dtype("int64"): TensorProto.INT64, np.dtype("int8"): TensorProto.INT8, np.dtype("uint8"): TensorProto.UINT8,
         np.dtype("bool"): TensorProto.BOOL, np.dtype("float64"): TensorProto.DOUBLE, np.dtype("int16"): TensorProto.INT16, np.dtype("uint16"): TensorProto.UINT16}
random = np.random.default_rng(7)


class Constant:
    """An input that is an initializer."""

    def __init__(self, value):
        self.value = np.asarray(value)


def f(*shape):
    return random.normal(0, 1, shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int32)


def raw_mask(*shape):
    """Zeros and ones with a one in every row."""
    mask = random.integers(0, 2, shape).astype(np.int32)
    mask[..., 0] = 1
    return mask


def tables(rows, half):
    angle = np.arange(rows)[:, None] / 50.0 ** (np.arange(half) / half)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def build(op, inputs, outputs, attributes, keep=None):
    """A model of one node. inputs is a list of arrays and Constants, None for one left out; outputs tells which are named.

    keep (B, T) leaves only output 0, with zeros where it is false: what an operator says nothing of."""
    names = [f"in{i}" if a is not None else "" for i, a in enumerate(inputs)]
    made = [f"out{i}" if wanted else "" for i, wanted in enumerate(outputs)]
    node = helper.make_node(op, names, made, domain="com.microsoft", **attributes)
    nodes, constants = [node], [onnx.numpy_helper.from_array(a.value, n) for n, a in zip(names, inputs) if isinstance(a, Constant)]
    if keep is not None:
        nodes.append(helper.make_node("Where", ["keep", "out0", "zero"], ["kept"]))
        constants += [onnx.numpy_helper.from_array(np.array(keep, bool)[:, :, None], "keep"), onnx.numpy_helper.from_array(np.float32(0), "zero")]
        made = ["kept"]
    graph = helper.make_graph(
        nodes, op,
        [helper.make_tensor_value_info(n, TYPES[a.dtype], a.shape if op.endswith("EmbedLayerNormalization") else [f"d{i}_{k}" for k in range(a.ndim)]) for i, (n, a) in enumerate(zip(names, inputs)) if isinstance(a, np.ndarray)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in made if n],
        constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)], ir_version=10)


def run(model, feeds):
    for output in model.graph.output:  # what ONNX Runtime infers; it can't where a type is a free choice
        if output.name != "out3" or model.graph.node[0].op_type != "MultiHeadAttention":
            output.ClearField("type")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    got = session.run(None, feeds)
    for output, value in zip(model.graph.output, got):
        output.type.CopyFrom(helper.make_tensor_type_proto(TYPES[value.dtype], [None] * value.ndim))
    return got


def multi_head():
    B, T, L, N, D, DV, P = 2, 4, 5, 3, 4, 6, 3
    q, k, v, bias = f(B, T, N * D), f(B, L, N * D), f(B, L, N * DV), f(N * (2 * D + DV))
    k4, v4 = f(B, N, L, D), f(B, N, L, D)
    self_ = [f(B, T, N * D) for _ in range(3)]
    past = [f(B, N, P, D), f(B, N, P, D)]
    h = {"num_heads": N}
    yield "plain", [q, k, v], [1], h
    yield "bias_scale", [q, k, v, bias], [1], h | {"scale": 0.3}
    yield "lengths", [q, k, v, None, ints(3, 5)], [1], h
    yield "lengths_and_starts", [q, k, v, None, ints(3, 5, 0, 3, 8, 0, 5, 10)], [1], h
    yield "key_mask", [q, k, v, None, raw_mask(B, L)], [1], h | {"mask_filter_value": -5.0}
    yield "full_mask", [q, k, v, None, raw_mask(B, T, L)], [1], h
    yield "all_hidden", [q, k, v, None, np.zeros((B, L), np.int32)], [1], h
    yield "added", [q, k, v, None, None, f(B, N, T, L)], [1], h
    yield "added_to_all", [q, k, v, bias, raw_mask(B, L), f(1, 1, T, L)], [1], h
    yield "added_to_heads", [q, k, v, None, None, f(1, N, T, L)], [1], h
    yield "added_to_batches", [q, k, v, None, None, f(B, 1, T, L)], [1], h
    yield "causal", self_, [1], h | {"unidirectional": 1}
    yield "causal_masked", [*self_, None, raw_mask(B, T)], [1], h | {"unidirectional": 1}
    yield "causal_full_mask", [*self_, None, raw_mask(B, T, T)], [1], h | {"unidirectional": 1}
    yield "cross", [q, k4, v4], [1], h
    yield "cross_bias", [q, k4, v4, f(3 * N * D)], [1], h
    yield "present", [*self_], [1, 1, 1], h
    yield "past", [*self_, None, None, None, *past], [1, 1, 1], h
    yield "past_causal_bias", [*self_, f(3 * N * D), None, None, *past], [1, 1, 1], h | {"unidirectional": 1}
    yield "past_mask", [*self_, None, raw_mask(B, T + P), f(B, N, T, T + P), *past], [1, 1, 1], h
    yield "past_one_step", [f(B, 1, N * D), f(B, 1, N * D), f(B, 1, N * D), None, None, None, *past], [1, 1, 1], h | {"unidirectional": 1}
    yield "scores", [q, k, v, None, raw_mask(B, L)], [1, 0, 0, 1], h
    yield "wide", [f(1, 40, 64), f(1, 70, 64), f(1, 70, 64)], [1], {"num_heads": 2}


def projected():
    B, T, I, N, D, P = 2, 4, 5, 2, 4, 3
    x, w, b = f(B, T, I), f(I, 3 * N * D), f(3 * N * D)
    past = f(2, B, N, P, D)
    h = {"num_heads": N}
    yield "plain", [x, w, b], [1], h
    yield "no_bias_scale", [x, w], [1], h | {"scale": 0.25}
    yield "widths", [x, f(I, 2 * 8 + 12), f(2 * 8 + 12)], [1], h | {"qkv_hidden_sizes": [8, 8, 12]}
    yield "lengths", [x, w, b, ints(2, 4)], [1], h
    yield "lengths_and_starts", [x, w, b, ints(3, 4, 1, 2)], [1], h
    yield "key_mask", [x, w, b, raw_mask(B, T)], [1], h
    yield "full_mask", [x, w, b, raw_mask(B, T, T)], [1], h | {"mask_filter_value": -3.0}
    yield "causal", [x, w, b], [1], h | {"unidirectional": 1}
    yield "causal_masked", [x, w, b, raw_mask(B, T)], [1], h | {"unidirectional": 1}
    yield "added", [x, w, b, None, None, f(B, N, T, T)], [1], h
    yield "added_to_all_masked", [x, w, b, raw_mask(B, T), None, f(1, 1, T, T)], [1], h
    yield "present", [x, w, b], [1, 1], h
    yield "past", [x, w, b, None, past], [1, 1], h
    yield "past_causal", [x, w, b, None, past], [1, 1], h | {"unidirectional": 1}
    yield "past_mask", [x, w, b, raw_mask(B, T + P), past], [1, 1], h | {"unidirectional": 1}
    yield "past_one_step", [f(B, 1, I), w, b, None, past], [1, 1], h | {"unidirectional": 1}


def quantised():
    B, T, I, N, D, P = 2, 4, 5, 2, 4, 3
    x8 = random.integers(0, 256, (B, T, I)).astype(np.uint8)
    w8, wu = random.integers(-63, 64, (I, 3 * N * D)).astype(np.int8), random.integers(0, 256, (I, 3 * N * D)).astype(np.uint8)
    # int8 weights of 7 bits: with more, ONNX Runtime's sums of pairs saturate on machines without VNNI
    b, s, ws = f(3 * N * D), np.float32(0.02), np.float32(0.01)
    columns = np.abs(f(3 * N * D)) * np.float32(0.01) + np.float32(1e-3)
    h = {"num_heads": N}
    one = lambda v, t: np.array(v, t)
    yield "plain", [x8, w8, b, one(s, np.float32), one(ws, np.float32), None, one(120, np.uint8), one(0, np.int8)], [1], h
    yield "no_zero_points", [x8, w8, b, one(s, np.float32), one(ws, np.float32)], [1], h
    yield "per_column", [x8, w8, b, one(s, np.float32), columns, None, one(128, np.uint8), np.zeros(3 * N * D, np.int8)], [1], h
    yield "uint8_lengths", [x8, wu, b, one(s, np.float32), one(ws, np.float32), ints(2, 4), one(130, np.uint8), one(127, np.uint8)], [1], h
    yield "causal_past", [x8, w8, b, one(s, np.float32), one(ws, np.float32), None, one(120, np.uint8), one(3, np.int8), f(2, B, N, P, D)], [1, 1], h | {"unidirectional": 1}
    yield "key_mask", [x8, w8, b, one(s, np.float32), one(ws, np.float32), raw_mask(B, T), one(120, np.uint8), one(0, np.int8)], [1], h


def grouped():
    B, T, N, G, D, room = 2, 5, 6, 2, 16, 9
    prompt = [f(B, T, N * D), f(B, T, G * D), f(B, T, G * D)]
    step = [f(B, 1, N * D), f(B, 1, G * D), f(B, 1, G * D)]
    cache = [f(B, G, room, D), f(B, G, room, D)]
    empty = [None, None]
    cos, sin = tables(16, D // 2)
    h = {"num_heads": N, "kv_num_heads": G}
    full = [ints(T - 1, T - 1), np.array(T, np.int32)]
    yield "prompt", [*prompt, *empty, *full], [1, 1, 1], h
    yield "prompt_packed", [f(B, T, (N + 2 * G) * D), None, None, *empty, *full], [1, 1, 1], h
    yield "prompt_rotary", [*prompt, *empty, *full, cos, sin], [1, 1, 1], h | {"do_rotary": 1}
    yield "prompt_rotary_interleaved_packed", [f(B, T, (N + 2 * G) * D), None, None, *empty, *full, cos, sin], [1, 1, 1], h | {"do_rotary": 1, "rotary_interleaved": 1}
    wide = [f(B, T, N * 32), f(B, T, G * 32), f(B, T, G * 32)]
    yield "prompt_partial_rotary", [*wide, *empty, *full, *tables(32, 8)], [1, 1, 1], h | {"do_rotary": 1}
    yield "prompt_window", [*prompt, *empty, *full], [1, 1, 1], h | {"local_window_size": 2}
    yield "prompt_softcap_scale", [*prompt, *empty, *full], [1, 1, 1], h | {"softcap": 1.5, "scale": 0.7}
    yield "prompt_smooth", [*prompt, *empty, *full], [1, 1, 1], h | {"smooth_softmax": 1}
    yield "prompt_sinks", [*prompt, *empty, *full, None, None, None, None, f(N)], [1, 1, 1], h
    yield "prompt_added", [*prompt, *empty, *full, None, None, None, f(B, N, T, T)], [1, 1, 1], h
    yield "prompt_added_to_all", [*prompt, *empty, *full, None, None, None, f(1, 1, T, T)], [1, 1, 1], h
    yield "prompt_all_see_all", [*prompt, *empty, *full], [1, 1, 1], h | {"causal": 0}
    yield "prompt_scores", [*prompt, *empty, *full], [1, 1, 1, 1], h | {"qk_output": 2}
    yield "prompt_padded", [*prompt, *empty, ints(2, 4), full[1], cos, sin], [1, 1, 1], h | {"do_rotary": 1}, [[1, 1, 1, 0, 0], [1] * 5]
    yield "step", [*step, *cache, ints(9, 9), np.array(10, np.int32)], [1, 1, 1], h
    yield "step_ragged", [*step, *cache, ints(4, 8), np.array(9, np.int32)], [1, 1, 1], h
    yield "step_rotary_ragged", [*step, *cache, ints(4, 8), np.array(9, np.int32), cos, sin], [1, 1, 1], h | {"do_rotary": 1}
    yield "step_window_softcap", [*step, *cache, ints(9, 9), np.array(10, np.int32)], [1, 1, 1], h | {"local_window_size": 4, "softcap": 2.0}
    yield "step_sinks_added", [*step, *cache, ints(9, 9), np.array(10, np.int32), None, None, None, f(B, N, 1, 10), f(N)], [1, 1, 1], h
    later = [f(1, 3, N * D), f(1, 3, G * D), f(1, 3, G * D)]
    yield "chunk_rotary", [*later, f(1, G, 4, D), f(1, G, 4, D), ints(6), np.array(7, np.int32), cos, sin], [1, 1, 1], h | {"do_rotary": 1}
    yield "chunk_positions", [*later, f(1, G, 4, D), f(1, G, 4, D), ints(6), np.array(7, np.int32), cos, sin, np.array([[2, 5, 3]])], [1, 1, 1], h | {"do_rotary": 1}
    yield "chunk_padded", [*prompt, *cache, ints(6, 4), np.array(9, np.int32), None, None, None, None, None, None, None, None, None, ints(5, 4)], [1, 1, 1], h, [[1] * 5, [1, 1, 1, 1, 0]]
    yield "one_group", [f(1, 40, 64), f(1, 40, 16), f(1, 40, 16), *empty, ints(39), np.array(40, np.int32)], [1], {"num_heads": 4, "kv_num_heads": 1}


def rotary():
    cos, sin = tables(12, 3)
    ids = np.array([[0, 3, 1, 7], [11, 2, 2, 5]])
    yield "flat", [f(2, 4, 12), ids, cos, sin], [1], {}
    yield "heads", [f(2, 3, 4, 6), ids, cos, sin], [1], {}
    yield "first_position", [f(2, 4, 12), np.array([5]), cos, sin], [1], {"interleaved": 1}
    yield "partial", [f(2, 4, 2 * 10), ids, cos, sin], [1], {"num_heads": 2, "rotary_embedding_dim": 6}
    yield "interleaved_heads", [f(2, 3, 4, 6), ids, cos, sin], [1], {"interleaved": 1}


def embed():
    words, segments = random.integers(0, 10, (2, 4)).astype(np.int32), random.integers(0, 2, (2, 4)).astype(np.int32)
    table, positions, kinds, gamma, beta = f(10, 6), f(8, 6), f(2, 6), f(6), f(6)
    yield "plain", [words, segments, table, positions, kinds, gamma, beta], [1, 1], {}
    yield "no_segments", [words, None, table, positions, None, gamma, beta], [1, 1], {"epsilon": 1e-3}
    yield "mask_and_sum", [words, segments, table, positions, kinds, gamma, beta, raw_mask(2, 4)], [1, 1, 1], {}
    yield "positions", [words, segments, table, positions, kinds, gamma, beta, None, ints(*random.integers(0, 8, 8)).reshape(2, 4)], [1, 1], {}
    yield "positions_of_all", [words, segments, table, positions, kinds, gamma, beta, None, ints(3, 1, 0, 7).reshape(1, 4)], [1, 1], {}


def skip():
    x, s, g, b, bias = f(2, 3, 8), f(2, 3, 8), f(8), f(8), f(8)
    yield "skip_layernorm", "SkipLayerNormalization", [x, s, g, b, bias], [1, 0, 0, 1], {"epsilon": 1e-3}
    yield "skip_layernorm_no_beta", "SkipLayerNormalization", [x, s, g], [1], {}
    yield "skip_layernorm_of_all", "SkipLayerNormalization", [x, f(1, 3, 8), g, b, bias], [1, 0, 0, 1], {}
    yield "skip_layernorm_flat_skip", "SkipLayerNormalization", [x, f(3, 8), g, None, bias], [1, 0, 0, 1], {}
    yield "skip_rmsnorm", "SkipSimplifiedLayerNormalization", [x, s, g, bias], [1, 0, 0, 1], {"epsilon": 1e-5}


def fused():
    a, b = f(2, 3, 4), f(2, 4, 5)
    yield "matmul_batch_a", "FusedMatMul", [f(3, 2, 4), b], [1], {"transBatchA": 1, "alpha": 0.5}
    yield "matmul_batch_a_transposed", "FusedMatMul", [f(4, 2, 3), b], [1], {"transBatchA": 1, "transA": 1}
    yield "matmul_batch_b", "FusedMatMul", [a, f(4, 2, 5)], [1], {"transBatchB": 1}
    yield "matmul_batch_both", "FusedMatMul", [f(3, 2, 6, 4), f(5, 2, 6, 4)], [1], {"transBatchA": 1, "transBatchB": 1, "transB": 1}


def channels_last():
    x, u8 = random.integers(0, 256, (1, 5, 6, 3)).astype(np.uint8), lambda v: np.array(v, np.uint8)
    s = lambda v: np.array(v, np.float32)
    w, columns = random.integers(-63, 64, (4, 3, 3, 3)).astype(np.int8), np.abs(f(4)) * np.float32(0.01) + np.float32(1e-3)
    bias = random.integers(-900, 900, 4).astype(np.int32)
    yield "nhwc_maxpool", "NhwcMaxPool", [x], [1], {"kernel_shape": [2, 3], "strides": [1, 2], "pads": [0, 1, 1, 1]}
    conv = [x, s(0.02), u8(120), w, columns, np.zeros(4, np.int8), s(0.05), u8(110), bias]
    yield "qlinear_conv_last", "QLinearConv", conv, [1], {"channels_last": 1, "kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 2]}
    first = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    yield "qlinear_conv_first", "QLinearConv", [first, *conv[1:]], [1], {"kernel_shape": [3, 3]}
    yield "qlinear_global_pool_last", "QLinearGlobalAveragePool", [x, s(0.02), u8(120), s(0.015), u8(100)], [1], {"channels_last": 1}
    yield "qlinear_pool_last", "QLinearAveragePool", [x, s(0.02), u8(120), s(0.015), u8(100)], [1], {"channels_last": 1, "kernel_shape": [2, 2]}


def selected():
    x, y = (random.integers(0, 256, shape).astype(np.uint8) for shape in ((2, 3, 4), (3, 1)))
    s, zero = lambda v: np.array(v, np.float32), lambda v, t: np.array(v, t)
    condition = random.random((3, 4)) < 0.5
    yield "qlinear_where", "QLinearWhere", [condition, x, s(0.02), zero(120, np.uint8), y, s(0.05), zero(90, np.uint8), s(0.03), zero(100, np.uint8)], [1], {}
    x, y = (random.integers(-128, 128, shape).astype(np.int8) for shape in ((1, 4), (2, 1, 4)))
    yield "qlinear_where_signed", "QLinearWhere", [random.random((2, 3, 1)) < 0.5, x, s(0.02), zero(-3, np.int8), y, s(0.01), zero(7, np.int8), s(0.04), zero(5, np.int8)], [1], {}


def cached():
    """GroupQueryAttention with a quantised cache."""
    B, T, N, G, D, room = 2, 5, 6, 2, 16, 9
    prompt = [f(B, T, N * D), f(B, T, G * D), f(B, T, G * D)]
    step = [f(B, 1, N * D), f(B, 1, G * D), f(B, 1, G * D)]
    cos, sin = tables(16, D // 2)
    full = [ints(T - 1, T - 1), np.array(T, np.int32)]
    h = {"num_heads": N, "kv_num_heads": G}
    for bits, kind in (8, "PER_TENSOR"), (8, "PER_CHANNEL"), (4, "PER_TENSOR"), (4, "PER_CHANNEL"):
        t, width = (np.int8, D) if bits == 8 else (np.uint8, D // 2)
        scales = [(np.abs(f(*([1] if kind == "PER_TENSOR" else [1, G, 1, D]))) * (0.02 if bits == 8 else 0.2) + 0.02).astype(np.float32) for _ in "kv"]
        kept = [random.integers(np.iinfo(t).min, np.iinfo(t).max + 1, (B, G, room, width)).astype(t) for _ in "kv"]
        quantised = h | {"k_quant_type": kind, "v_quant_type": kind, "kv_cache_bit_width": bits}
        rest = [cos, sin, None, None, None, *scales]
        name = f"cache_{bits}bits_{kind[4:].lower()}"
        yield name + "_prompt", [*prompt, *(a[:, :, :0].copy() for a in kept), *full, *rest], [1, 1, 1], quantised | {"do_rotary": 1}
        yield name + "_step", [*step, *kept, ints(9, 9), np.array(10, np.int32), *rest], [1, 1, 1], quantised | {"do_rotary": 1}
        yield name + "_ragged", [*step, *kept, ints(4, 8), np.array(9, np.int32), *rest], [1, 1, 1], quantised


def every():
    for prefix, op, made in [("mha", "MultiHeadAttention", multi_head), ("attention", "Attention", projected), ("qattention", "QAttention", quantised),
                             ("gqa", "GroupQueryAttention", grouped), ("rotary", "RotaryEmbedding", rotary), ("embed", "EmbedLayerNormalization", embed)]:
        for name, *rest in made():
            yield f"{prefix}_{name}", op, *rest
    yield from skip()
    yield from fused()
    yield from channels_last()
    yield from selected()
    for name, *rest in cached():
        yield f"gqa_{name}", "GroupQueryAttention", *rest


def main(every=every, purpose=__doc__):
    asked = cases.arguments(purpose)
    for name, op, inputs, *rest in every():
        if asked.only not in name:
            continue
        model = build(op, inputs, *rest)
        given = [a for a in inputs if isinstance(a, np.ndarray)]
        got = run(model, dict(zip((i.name for i in model.graph.input), given)))
        cases.write(asked.out / "contrib" / name, model, [(given, got)])


if __name__ == "__main__":
    main()
