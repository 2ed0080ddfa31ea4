"""contrib/: operators of com.microsoft as language models have them: caches of a window, normalised heads, shared
buffers, decoders of one step, recurrences, embeddings in blocks.

Expected outputs come from ONNX Runtime, without its optimisations. It doesn't run every form on a CPU: a case may then
name inputs of a form that it does run, with the same outputs.
"""

import ml_dtypes
import numpy as np
import onnx
from onnx import helper

import cases
from make_contrib import Constant, build, f, ints, random, raw_mask, run, tables


def grouped():
    B, N, G, D = 2, 6, 2, 16
    heads = {"num_heads": N, "kv_num_heads": G}
    cos, sin = tables(64, D // 2)

    def step(total, T, capacity, batch=1, lens=None, more=(), rotary=False, attributes=heads):
        q = [f(batch, T, N * D), f(batch, T, G * D), f(batch, T, G * D), f(batch, G, capacity, D), f(batch, G, capacity, D)]
        lens = ints(*(lens or [total - 1] * batch))
        return [*q, lens, np.array(total, np.int32), *([cos, sin] if rotary else [None, None]), *more]

    def window(name, total, T, capacity, size=4, **k):
        slack = capacity - size + 1
        totals = [n + 1 for n in k["lens"]] if k.get("lens") else [total]
        queries = k.pop("queries", T)
        kept = min(n if n <= capacity else n - slack * -(-(n - capacity) // slack) for n in totals)
        attributes = heads | {"local_window_size": size, "sliding_window_cache": 1, "do_rotary": int(k.get("rotary", False))}
        return f"window_{name}", step(total, T, capacity, **k), [1, 1, 1], attributes, None, None, (queries, kept, kept)

    yield window("begins", 3, 3, 4)
    yield window("fills", 4, 2, 4)
    yield window("prompt_longer", 9, 9, 4, rotary=True)
    yield window("step", 9, 1, 4, rotary=True)
    yield window("slack", 9, 1, 6)
    yield window("slack_full", 12, 1, 6, rotary=True)
    yield window("chunk", 11, 5, 6)
    yield window("chunk_longer", 18, 8, 6, rotary=True)
    yield window("ragged", 9, 1, 6, batch=B, lens=[3, 8])
    yield window("ragged_full", 9, 1, 4, batch=B, lens=[5, 8], rotary=True)
    yield window("bias", 9, 1, 4, batch=B, lens=[5, 8], more=[None, f(B, N, 1, 9)])
    yield window("bias_of_all", 9, 3, 4, more=[None, f(1, 1, 3, 9)])
    yield window("chunks_padded", 9, 3, 4, batch=B, lens=[6, 8], more=[None] * 7 + [ints(2, 3)], queries=2)
    none = np.zeros((1, 0, G * D), np.float32)
    for name, T, more in ("step", 1, []), ("chunk", 3, []), ("bias", 3, [None, f(1, N, 3, 6)]):
        q, *_, lens, total = step(6, T, 6)[:7]
        yield f"past_only_{name}", [q, none, none, f(1, G, 6, D), f(1, G, 6, D), lens, total, *([None, None, *more] if more else [])], [1, 1, 1], heads
    q, *_ = step(6, 2, 6)
    yield "past_only_rotary", [q, none, none, f(1, G, 6, D), f(1, G, 6, D), ints(4), np.array(5, np.int32), cos, sin], [1, 1, 1], heads | {"do_rotary": 1}
    yield window("sink", 9, 1, 4, more=[None, None, f(N)])


def normalised():
    """Name, inputs, outputs, attributes and the inputs of the form without weights."""
    B, T, N, G, D = 2, 3, 4, 2, 16
    cos, sin = tables(16, D // 2)
    h = {"num_heads": N, "kv_num_heads": G}

    def norm(x, weight, epsilon):
        rows = x.reshape(-1, D).astype(np.float64)
        return (rows / np.sqrt((rows * rows).mean(1, keepdims=True) + epsilon) * weight).astype(np.float32).reshape(x.shape)

    for name, attributes, eps, past in ("plain", {}, (1e-6, 1e-6), 0), ("rotary", {"do_rotary": 1, "qk_norm_epsilon": 0.1}, (0.1, 0.1), 0), \
            ("past", {"do_rotary": 1, "q_norm_epsilon": 0.2, "k_norm_epsilon": 0.05}, (0.2, 0.05), 4):
        rows = 1 if past else T
        q, k, v, wq, wk = f(B, rows, N * D), f(B, rows, G * D), f(B, rows, G * D), np.abs(f(D)) + np.float32(0.5), np.abs(f(D)) + np.float32(0.5)
        rest = [*([f(B, G, past, D), f(B, G, past, D)] if past else [None, None]), ints(*[past + rows - 1] * B), np.array(past + rows, np.int32),
                *([cos, sin] if attributes else [None, None]), None, None, None, None, None]
        plain = [norm(q, wq, eps[0]), norm(k, wk, eps[1]), v, *rest]
        yield f"norm_{name}", [q, k, v, *rest, wq, wk], [1, 1, 1], h | attributes, plain, h | {n: v for n, v in attributes.items() if n == "do_rotary"}
        if name == "rotary":  # all in one
            packed = np.concatenate([q, k, v], -1)
            yield "norm_packed", [packed, None, None, *rest, wq, wk], [1, 1, 1], h | attributes, plain, h | {"do_rotary": 1}


def shared():
    """MultiHeadAttention and DecoderMaskedMultiHeadAttention with a buffer for the past and what comes."""
    B, N, D, room = 2, 3, 4, 7
    h = {"num_heads": N}
    one, past = [f(B, 1, N * D) for _ in "qkv"], [f(B, N, room, D), f(B, N, room, D)]
    beams = np.zeros((1, B, room), np.int32)
    beams[0, :, :4] = [[0, 1, 1, 0], [1, 1, 0, 0]]
    yield "mha_shared_step", "MultiHeadAttention", [*one, None, None, None, *past, ints(4)], [1, 1, 1], h
    yield "mha_shared_first", "MultiHeadAttention", [*one, None, None, None, *past, ints(0)], [1, 1, 1], h
    yield "mha_shared_mask", "MultiHeadAttention", [*one, f(3 * N * D), raw_mask(B, 5), f(B, N, 1, 5), *past, ints(4)], [1, 1, 1], h
    yield "mha_shared_beams", "MultiHeadAttention", [*one, None, None, None, *past, ints(4), beams], [1, 1, 1], h
    share = h | {"past_present_share_buffer": 1}
    op = "DecoderMaskedMultiHeadAttention"
    yield "decoder_step", op, [*one, None, None, *past, ints(4)], [1, 1, 1], share
    yield "decoder_first", op, [*one, None, None, *past, ints(0)], [1, 1, 1], share | {"scale": 0.3}
    yield "decoder_mask", op, [*one, raw_mask(B, 5), None, *past, ints(4)], [1, 1, 1], share | {"mask_filter_value": -3.0}
    yield "decoder_bias", op, [*one, raw_mask(B, 5), f(1, N, 1, 5), *past, ints(4), None, None, f(3 * N * D)], [1, 1, 1], share
    yield "decoder_beams", op, [*one, None, None, *past, ints(4), ints(B), beams], [1, 1, 1], share
    yield "decoder_cross", op, [one[0], f(B, N, 5, D), f(B, N, 5, D)], [1], h
    yield "decoder_cross_mask", op, [one[0], f(B, N, 5, D), f(B, N, 5, D), raw_mask(B, 5), None, None, None, None, None, None, f(3 * N * D)], [1], h


def others():
    x, skip = f(2, 3, 8), f(2, 3, 8)
    yield "skip_statistics", "SkipLayerNormalization", [x, skip, f(8), f(8), f(8)], [1, 1, 1, 1], {"epsilon": 1e-5}
    yield "skip_simplified_statistics", "SkipSimplifiedLayerNormalization", [x, skip, f(8), f(8)], [1, 1, 1, 1], {"epsilon": 1e-5}
    yield "skip_rows", "SkipLayerNormalization", [x[0], skip[0], f(8)], [1, 0, 0, 1], {}
    yield "skip_of_all", "SkipLayerNormalization", [x, f(3, 8), f(8), f(8)], [1, 0, 0, 1], {}
    yield "rotary_packed", "RotaryEmbedding", [f(1, 20, 16), (np.arange(20) % 9)[None], *tables(9, 4)], [1], {"num_heads": 2, "is_packed_batching": 1, "scale": 2.0}


def recurrences():
    B, T, N, D, V = 2, 5, 2, 4, 6
    k = f(B, T, N * D)
    k /= np.linalg.norm(k.reshape(B, T, N, D), axis=-1, keepdims=True).repeat(D, -1).reshape(k.shape)
    q, v, state, decay, beta = f(B, T, 2 * N * D), f(B, T, N * V), f(B, N, D, V), -np.abs(f(B, T, N)), np.abs(f(B, T, N)) / 4
    heads = {"q_num_heads": 2 * N, "kv_num_heads": N}
    yield "linear_attention", "LinearAttention", [q, k, v, state, decay, beta], [1, 1], heads
    yield "linear_attention_plain", "LinearAttention", [q, k, v], [1, 1], heads | {"update_rule": "linear", "scale": 0.3}
    yield "causal_conv", "CausalConvWithState", [f(B, 4, 6), f(4, 1, 3), f(4), f(B, 4, 2)], [1, 1], {"activation": "silu"}
    yield "causal_conv_first", "CausalConvWithState", [f(B, 4, 2), f(4, 1, 4)], [1, 1], {}


def gathered():
    """GatherBlockQuantized, whose data are constants."""
    rows, wide = 7, 64
    idx = np.array([[3, -1, 0], [6, 2, 2]], np.int64)
    bits = lambda high, *shape: random.integers(0, high, shape).astype(np.uint8)
    scale = lambda *shape: np.abs(f(*shape)) + np.float32(0.1)
    for n in 8, 4, 2:
        packed = 8 // n
        data, zeros = bits(256, rows, wide // packed), bits(256, rows, -(-4 // packed))
        yield f"gather_{n}bits", "GatherBlockQuantized", [Constant(data), idx, Constant(scale(rows, 4)), Constant(zeros)], [1], {"bits": n, "block_size": 16}
    yield "gather_no_zeros", "GatherBlockQuantized", [Constant(bits(256, rows, wide // 2)), idx.astype(np.int32), Constant(scale(rows, 2))], [1], {"block_size": 32}
    for kind in "int4", "uint4":
        low = -8 if kind == "int4" else 0
        four = lambda *shape: Constant(random.integers(low, low + 16, shape).astype(getattr(ml_dtypes, kind)))
        yield f"gather_{kind}", "GatherBlockQuantized", [four(rows, 40), idx, Constant(scale(rows, 3)), four(rows, 3)], [1], {"block_size": 16}
        yield f"gather_{kind}_columns", "GatherBlockQuantized", [four(20, 5, 3), np.array([[2, -1, 0]]), Constant(scale(2, 5, 3))], [1], {"block_size": 16, "gather_axis": 2 if low else 1, "quantize_axis": 0}


def tabled():
    """MatMulBnb4, weights by the numbers of a table's values."""
    for name, kind, n, k in ("fp4", 0, 6, 48), ("nf4", 1, 5, 33):
        packed = random.integers(0, 256, (n * k + 1) // 2).astype(np.uint8)
        attributes = {"K": k, "N": n, "block_size": 16, "quant_type": kind}
        largest = np.abs(f(-(-n * k // 16)))
        x = f(2, 3, k)
        yield f"bnb4_{name}", "MatMulBnb4", [x, Constant(packed), Constant(largest)], [1], attributes
        yield f"bnb4_{name}_computed", "MatMulBnb4", [x, packed, largest], [1], attributes


def main():
    asked = cases.arguments(__doc__)

    def write(name, op, inputs, outputs, attributes, plain=None, without=None, rows=None):
        if asked.only not in name:
            return
        model = build(op, inputs, outputs, attributes)
        if rows is not None:  # the rest may hold anything
            model.graph.initializer.extend(onnx.numpy_helper.from_array(np.array([v]), n) for n, v in [("none", 0), *((f"rows{i}", n) for i, n in enumerate(rows)), ("axis0", 1), ("axis1", 2), ("axis2", 2)])
            for i in range(3):
                model.graph.node.append(helper.make_node("Slice", [f"out{i}", "none", f"rows{i}", f"axis{i}"], [f"kept{i}"]))
                model.graph.output[i].name = f"kept{i}"
        oracle = build(op, plain, outputs, without) if plain else model
        feeds = [a for a in plain or inputs if isinstance(a, np.ndarray)]
        got = run(oracle, dict(zip((i.name for i in oracle.graph.input), feeds)))
        for output, value in zip(model.graph.output, oracle.graph.output):
            output.type.CopyFrom(value.type)
        cases.write(asked.out / "contrib" / name, model, [([a for a in inputs if isinstance(a, np.ndarray)], got)])

    for name, *rest in [*grouped(), *normalised()]:
        write(f"gqa_{name}", "GroupQueryAttention", *rest)
    for case in [*shared(), *others(), *recurrences(), *gathered(), *tabled()]:
        write(*case)


if __name__ == "__main__":
    main()
