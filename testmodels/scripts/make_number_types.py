"""structure/, continued: other number types: float64 in between, 16 bits, int8.

Built node by node; expected outputs by numpy in float64.
"""

import math

import ml_dtypes
import numpy as np

import cases
from formula import lstm
from make_structure import FLOAT, f32, model, rand


def double_precision_mixed():
    """float64 throughout with a cast at each end, as models exported with .double() and wrapped are."""
    w = rand(12, 4, 3)
    m = model("""
        <ir_version: 8, opset_import: ["" : 15]>
        mixed (float[n,4] x) => (float[n,3] y) {
            d = Cast <to = 11> (x)
            p = MatMul (d, w)
            e = Erf (p)
            s = Softmax <axis = -1> (e)
            y = Cast <to = 1> (s)
        }
        """, w=w)
    sets = []
    for n in (2, 5):
        x, = f32(rand(n + 20, n, 4))
        e = np.exp(np.vectorize(math.erf)(x.astype(np.float64) @ w))
        sets.append(([x], f32(e / e.sum(-1, keepdims=True))))
    return m, sets


def half_weights(name, opset):
    """Weights stored in 16 bits and cast to float32 before use, as weight-only compression does."""
    dtype = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}[name]
    w, r, b = (rand(s, *shape).astype(dtype) for s, shape in ((13, (1, 16, 3)), (14, (1, 16, 4)), (15, (1, 32))))
    m = model(f"""
        <ir_version: 8, opset_import: ["" : {opset}]>
        half (float[time,batch,3] x) => (float[time,1,batch,4] y, float[1,batch,4] h) {{
            wf = Cast <to = 1> (w)
            rf = Cast <to = 1> (r)
            bf = Cast <to = 1> (b)
            y, h = LSTM <hidden_size = 4> (x, wf, rf, bf)
        }}
        """, w=w, r=r, b=b)
    sets = []
    for steps, batch in ((4, 2), (6, 1)):
        x, = f32(rand(steps + 30, steps, batch, 3))
        y, h, _ = lstm(x, w.astype(np.float64), r.astype(np.float64), b.astype(np.float64))
        sets.append(([x], f32(y, h)))
    return m, sets


def half_arithmetic():
    """Linear, Sigmoid and addition in float16 between casts."""
    w = rand(16, 4, 3).astype(np.float16)
    m = model("""
        <ir_version: 8, opset_import: ["" : 17]>
        half (float16[n,4] x) => (float16[n,3] y) {
            p = MatMul (x, w)
            y = Relu (p)
        }
        """, w=w)
    sets = []
    for n in (2, 3):
        x = rand(n + 40, n, 4).astype(np.float16)
        sets.append(([x], [np.maximum(x.astype(np.float64) @ w.astype(np.float64), 0).astype(np.float16)]))
    return m, sets


def integer_products():
    """MatMulInteger with zero points, DynamicQuantizeLinear before it, the product scaled back: dynamic quantisation."""
    w = np.random.default_rng(17).integers(-128, 128, (6, 4)).astype(np.int8)
    scale, zero = np.float32(0.011), np.int8(3)
    m = model("""
        <ir_version: 8, opset_import: ["" : 14]>
        quantised (float[n,6] x) => (float[n,4] y) {
            q, s, z = DynamicQuantizeLinear (x)
            i = MatMulInteger (q, w, z, zero)
            f = Cast <to = 1> (i)
            both = Mul (s, scale)
            y = Mul (f, both)
        }
        """, w=w, scale=scale, zero=zero)
    sets = []
    for n in (2, 4):
        x, = f32(rand(n + 50, n, 6))
        low, high = min(x.min(), FLOAT(0)), max(x.max(), FLOAT(0))
        s = FLOAT((high - low) / FLOAT(255))
        z = np.clip(np.rint(-low / s), 0, 255)
        q = np.clip(np.rint(x / s) + z, 0, 255)
        sets.append(([x], f32((q - z) @ (w.astype(np.float64) - 3) * float(s) * float(scale))))
    return m, sets


def quantised_around_linear(per_channel):
    """QuantizeLinear and DequantizeLinear around Gemm, weights int8, per tensor or per channel."""
    random = np.random.default_rng(18)
    w = random.integers(-127, 128, (3, 5)).astype(np.int8)
    scale = (random.uniform(0.005, 0.02, 3) if per_channel else np.array(0.01)).astype(FLOAT)
    zero = np.zeros_like(scale, np.int8)
    bias = rand(19, 3).astype(FLOAT)
    axis = "<axis = 0>" if per_channel else ""
    m = model(f"""
        <ir_version: 8, opset_import: ["" : 13]>
        qdq (float[n,5] x) => (float[n,3] y) {{
            q = QuantizeLinear (x, xs, xz)
            d = DequantizeLinear (q, xs, xz)
            v = DequantizeLinear {axis} (w, ws, wz)
            y = Gemm <transB = 1> (d, v, bias)
        }}
        """, w=w, ws=scale, wz=zero, xs=np.array(0.03, FLOAT), xz=np.array(120, np.uint8), bias=bias)
    sets = []
    for n in (2, 1):
        x, = f32(3 * rand(n + 60, n, 5))
        q = np.clip(np.rint(x / FLOAT(0.03)) + 120, 0, 255)
        d = (q - 120) * float(FLOAT(0.03))
        sets.append(([x], f32(d @ (w * scale.astype(np.float64).reshape(-1, 1)).T + bias)))
    return m, sets


def all_cases():
    yield "double_precision_mixed", double_precision_mixed()
    yield "half_weights_float16", half_weights("float16", 13)
    yield "half_weights_bfloat16", half_weights("bfloat16", 17)
    yield "half_arithmetic", half_arithmetic()
    yield "integer_products", integer_products()
    yield "quantised_linear", quantised_around_linear(False)
    yield "quantised_linear_per_channel", quantised_around_linear(True)


if __name__ == "__main__":
    asked = cases.arguments(__doc__)
    for name, (built, sets) in all_cases():
        if asked.only in name:
            cases.write(asked.out / "structure" / name, built, sets)
