"""contrib/: fused products, convolutions, activations and normalisations of com.microsoft on real numbers, and products with
weights of a few bits, over their types, attributes and optional inputs.

Expected outputs come from ONNX Runtime, without its optimisations.
"""

import itertools

import numpy as np

import make_contrib
from make_contrib import Constant

random = np.random.default_rng(11)


def f(*shape):
    return random.normal(0, 1, shape).astype(np.float32)


def gelus():
    wide = np.linspace(-7, 7, 24, dtype=np.float32).reshape(2, 3, 4)
    yield "bias_gelu", "BiasGelu", [wide, f(4)], [1], {}
    yield "bias_gelu_vector", "BiasGelu", [f(5), f(5)], [1], {}
    yield "fast_gelu", "FastGelu", [wide], [1], {}
    yield "fast_gelu_bias", "FastGelu", [wide, f(4)], [1], {}
    yield "fast_gelu_half", "FastGelu", [wide.astype(np.float16), f(4).astype(np.float16)], [1], {}
    yield "quick_gelu", "QuickGelu", [wide], [1], {}
    yield "quick_gelu_alpha", "QuickGelu", [wide], [1], {"alpha": -0.7}
    yield "quick_gelu_silu", "QuickGelu", [np.array(1.5, np.float32)], [1], {"alpha": 1.0}
    yield "gelu", "Gelu", [wide], [1], {}


def products():
    for k, (a, b, p, q) in enumerate(itertools.product((0, 1), repeat=4)):
        # (2, 3) batches of (4, 5) by (5, 6), each side as its attributes undo it
        left, right = f(2, 3, 4, 5), f(2, 3, 5, 6)
        if a:
            left = left.swapaxes(2, 3)
        if b:
            right = right.swapaxes(2, 3)
        if p:
            left = left.transpose(2, 0, 1, 3)
        if q:
            right = right.transpose(2, 0, 1, 3)
        attributes = {n: 1 for n, set_ in zip(("transA", "transB", "transBatchA", "transBatchB"), (a, b, p, q)) if set_}
        yield "fused_matmul_" + ("".join(n for n, set_ in zip("abpq", (a, b, p, q)) if set_) or "plain"), "FusedMatMul", \
            [np.ascontiguousarray(left), np.ascontiguousarray(right)], [1], attributes | ({"alpha": -1.5} if k % 2 else {})
    yield "fused_matmul_vectors", "FusedMatMul", [f(4), f(4)], [1], {"alpha": 2.0}
    yield "fused_matmul_row", "FusedMatMul", [f(4), f(3, 4, 2)], [1], {}
    yield "fused_matmul_column", "FusedMatMul", [f(3, 2, 4), f(4)], [1], {}
    yield "fused_matmul_broadcast", "FusedMatMul", [f(3, 1, 4, 2), f(5, 6, 4)], [1], {"transA": 1, "transB": 1, "alpha": 0.25}
    yield "fused_matmul_double", "FusedMatMul", [f(2, 3, 4).astype(np.float64), f(2, 4, 5).astype(np.float64)], [1], {"alpha": 0.1}
    yield "fused_matmul_none", "FusedMatMul", [f(2, 0), f(0, 3)], [1], {"alpha": 3.0}


def gemms():
    a, b = f(3, 4), f(4, 5)
    with_parameters = {"LeakyRelu": (0.2,), "Elu": (0.6,), "HardSigmoid": (0.3, 0.6), "ThresholdedRelu": (0.4,), "Selu": (1.2, 0.8)}
    for name in "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSigmoid", "ThresholdedRelu", "Selu", "Softplus", "Softsign":
        attributes = {"activation": name}
        for n, v in zip(("activation_alpha", "activation_gamma" if name == "Selu" else "activation_beta"), with_parameters.get(name, ())):
            attributes[n] = v
        yield f"fused_gemm_{name.lower()}", "FusedGemm", [a, b, f(5)], [1], attributes
    for i, shape in enumerate([(), (1,), (3, 1), (1, 5), (3, 5)]):
        yield f"fused_gemm_c{i}", "FusedGemm", [a, b, f(*shape)], [1], {"activation": "Relu", "beta": 0.5}
    yield "fused_gemm_no_c", "FusedGemm", [a, b], [1], {"activation": "LeakyRelu", "activation_alpha": 0.01, "alpha": 2.0}
    for k, (x, y) in enumerate(itertools.product((0, 1), repeat=2)):
        yield f"fused_gemm_t{k}", "FusedGemm", [np.ascontiguousarray(a.T) if x else a, np.ascontiguousarray(b.T) if y else b, f(5)], [1], {"activation": "Relu", "transA": x, "transB": y, "alpha": -0.5, "beta": 2.0}


def convolutions():
    x, w = f(2, 4, 7, 6), f(6, 2, 3, 2)
    for name, params in [("Relu", []), ("Sigmoid", []), ("Tanh", []), ("LeakyRelu", [0.2]), ("Clip", [-0.5, 0.8]), ("HardSigmoid", [0.3, 0.4])]:
        yield f"fused_conv_{name.lower()}", "FusedConv", [x, w, f(6)], [1], {"activation": name, "group": 2} | ({"activation_params": params} if params else {})
    yield "fused_conv_strided", "FusedConv", [x, w], [1], {"activation": "Relu", "group": 2, "strides": [2, 1], "dilations": [1, 2], "pads": [1, 0, 2, 1], "kernel_shape": [3, 2]}
    yield "fused_conv_added", "FusedConv", [x, w, f(6), f(2, 6, 5, 5)], [1], {"activation": "Relu", "group": 2}
    yield "fused_conv_added_same", "FusedConv", [x, w, f(6), f(2, 6, 7, 6)], [1], {"activation": "Tanh", "group": 2, "auto_pad": "SAME_UPPER"}
    yield "fused_conv_added_no_bias", "FusedConv", [x, w, None, f(2, 6, 5, 5)], [1], {"activation": "LeakyRelu", "activation_params": [0.1], "group": 2}
    yield "fused_conv_line", "FusedConv", [f(1, 3, 9), f(4, 3, 3), f(4)], [1], {"activation": "Relu", "auto_pad": "SAME_LOWER", "strides": [2]}
    yield "fused_conv_space", "FusedConv", [f(1, 2, 4, 4, 3), f(2, 1, 2, 2, 2)], [1], {"activation": "Sigmoid", "group": 2}
    yield "fused_conv_depthwise", "FusedConv", [f(1, 4, 5, 5), f(4, 1, 3, 3), f(4)], [1], {"activation": "Relu", "group": 4, "pads": [1, 1, 1, 1]}


def norms():
    x, s, g, b, bias = f(2, 3, 8), f(2, 3, 8), f(8), f(8), f(8)
    half = lambda *arrays: [None if a is None else a.astype(np.float16) for a in arrays]
    for op, name, beta in ("SkipLayerNormalization", "skip_layernorm", [b]), ("SkipSimplifiedLayerNormalization", "skip_rmsnorm", []):
        yield f"{name}_alone", op, [x, s, g], [1], {}
        yield f"{name}_bias", op, [x, s, g, *beta, bias], [1], {"epsilon": 1e-2}
        yield f"{name}_sum_without_bias", op, [x, s, g, *beta], [1, 0, 0, 1], {}
        yield f"{name}_rows", op, [f(6, 8), f(6, 8), g, *beta, bias], [1, 0, 0, 1], {}
        yield f"{name}_one_row", op, [x, f(1, 3, 8), g], [1, 0, 0, 1], {}
        yield f"{name}_half", op, half(x, s, g, *beta, bias), [1, 0, 0, 1], {"epsilon": 1e-5}
        yield f"{name}_level", op, [np.ones((1, 2, 8), np.float32), np.ones((1, 2, 8), np.float32), g, *beta], [1], {}
        yield f"{name}_constant", op, [x, s, *map(Constant, [g, *beta, bias])], [1], {}


def few_bits():
    for bits, block, k in (4, 16, 40), (4, 32, 64), (4, 128, 130), (8, 32, 40), (8, 16, 16), (2, 16, 40), (2, 64, 128):
        n, blocks = 5, -(-k // block)
        weights = random.integers(0, 256, (n, blocks, block * bits // 8)).astype(np.uint8)
        zeros = random.integers(0, 256, (n, -(-blocks * bits // 8))).astype(np.uint8)
        scales = np.abs(f(n, blocks)) * np.float32(0.1) + np.float32(0.01)
        a, attributes = f(2, 3, k), {"K": k, "N": n, "bits": bits, "block_size": block}
        name = f"matmul_{bits}bits_{block}_{k}"
        yield name, "MatMulNBits", [a, Constant(weights), Constant(scales)], [1], attributes
        yield name + "_zeros", "MatMulNBits", [a, Constant(weights), Constant(scales), Constant(zeros), None, Constant(f(n))], [1], attributes
        if (bits, block) == (4, 16):
            yield name + "_flat", "MatMulNBits", [f(1, k), Constant(weights), Constant(scales.reshape(-1)), Constant(zeros.reshape(-1))], [1], attributes
            yield name + "_computed", "MatMulNBits", [a, weights, scales, zeros], [1], attributes | {"accuracy_level": 1}
            yield name + "_half", "MatMulNBits", [a.astype(np.float16), Constant(weights), Constant(scales.astype(np.float16)), Constant(zeros), None, Constant(f(n).astype(np.float16))], [1], attributes
            yield name + "_real_zeros", "MatMulNBits", [a, Constant(weights), Constant(scales), Constant(f(n, blocks) + np.float32(8))], [1], attributes
            yield name + "_real_zeros_computed", "MatMulNBits", [a, weights, scales, f(n, blocks) + np.float32(8)], [1], attributes


def every():
    for made in gelus, products, gemms, convolutions, norms, few_bits:
        yield from made()


if __name__ == "__main__":
    make_contrib.main(every, __doc__)
