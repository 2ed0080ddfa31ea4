"""contrib/: operators of com.microsoft that exporters wrote before ONNX had them, those of scikit-learn's converters,
and images in blocks of channels as ONNX Runtime's highest level leaves them.

Expected outputs come from ONNX Runtime, without its optimisations.
"""

import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import cases
from make_contrib import Constant, build, f, ints, run


def every():
    yield "early_cdist", "CDist", [f(4, 5), f(3, 5)], [1], {"metric": "euclidean"}
    yield "early_cdist_double", "CDist", [f(4, 3).astype(np.float64), f(2, 3).astype(np.float64)], [1], {}
    yield "early_expand_dims", "ExpandDims", [f(2, 3), Constant(np.array(-2, np.int32))], [1], {}
    yield "early_gather_nd", "GatherND", [f(2, 3, 4), np.array([[0, 2], [1, 0]], np.int32)], [1], {}
    yield "early_grid_sample", "GridSample", [f(1, 2, 4, 5), f(1, 3, 3, 2)], [1], {"mode": "bicubic", "padding_mode": "reflection"}
    yield "early_inverse", "Inverse", [f(3, 4, 4)], [1], {}
    yield "early_pad", "Pad", [f(2, 3), np.array([0, 1, 0, 2], np.int64), np.array([7], np.float32)], [1], {"mode": "constant"}
    yield "early_range", "Range", [np.array(2, np.int64), np.array(7, np.int64)], [1], {}
    yield "early_transpose_matmul", "TransposeMatMul", [f(2, 4, 3), f(2, 5, 4)], [1], {"transA": 1, "transB": 1, "alpha": 0.5}
    yield "early_trilu", "Trilu", [f(2, 3, 4), Constant(np.array(1, np.int64))], [1], {"upper": 0}
    yield "early_unfold", "UnfoldTensor", [f(2, 7, 3)], [1], {"dim": 1, "size": 3, "step": 2}
    yield "early_unique", "Unique", [np.array([2, 1, 1, 3, 4, 3], np.float32)], [1, 1, 1], {}


def tokenizers():
    texts = np.array([["Hello World", "a,b;;c  d"], ["日本 語!", ""]], object)
    common = {"pad_value": "#"}
    yield "tokenizer_expression", texts, common | {"tokenexp": "[a-zA-Z0-9_]+|本", "mincharnum": 1, "mark": 1}
    yield "tokenizer_separators", texts, common | {"separators": [" ", "[,;]", "o"], "mincharnum": 2, "mark": 0}
    yield "tokenizer_characters", texts, common | {"separators": [""], "mincharnum": 1, "mark": 1}


def repeated_weights():
    """A tree whose leaves have their weight more than once, as sklearn-onnx writes a decision path of three classes."""
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, post_transform="NONE",
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0], nodes_values=[0.5, 0.0, 0.0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0] * 4, target_nodeids=[1, 1, 2, 2], target_ids=[0] * 4, target_weights=[1.0, 1.0, 2.0, 2.0])
    graph = helper.make_graph([node], "path", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 1)], ir_version=8)


def tokenizer(shape, attributes):
    node = helper.make_node("Tokenizer", ["x"], ["y"], domain="com.microsoft", **attributes)
    graph = helper.make_graph([node], "tokenizer", [helper.make_tensor_value_info("x", TensorProto.STRING, [None] * len(shape))],
                              [helper.make_tensor_value_info("y", TensorProto.STRING, [None] * (len(shape) + 1))])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8)


def blocked():
    """A small network of images, with more and fewer channels than a block has. Blocks have 8 on a machine without AVX-512."""
    weights = {"stem": f(8, 3, 3, 3), "depth": f(8, 1, 3, 3), "wide": f(24, 8, 1, 1), "few": f(4, 24, 1, 1), "four": f(4, 1, 3, 3), "back": f(8, 24, 1, 1)}
    bias = {"stem_b": f(8)}
    pads = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    nodes = [
        helper.make_node("Conv", ["x", "stem", "stem_b"], ["s"], **pads, strides=[2, 2]),
        helper.make_node("HardSwish", ["s"], ["sa"]),
        helper.make_node("Conv", ["sa", "depth"], ["d"], **pads, group=8),
        helper.make_node("Clip", ["d", "zero", "six"], ["da"]),
        helper.make_node("Conv", ["da", "wide"], ["w"], kernel_shape=[1, 1]),
        helper.make_node("MaxPool", ["w"], ["m"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["m", "back"], ["b"], kernel_shape=[1, 1]),
        helper.make_node("Add", ["b", "da"], ["r"]),
        helper.make_node("AveragePool", ["m"], ["a"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["a", "few"], ["f"], kernel_shape=[1, 1]),
        helper.make_node("Erf", ["f"], ["e"]),
        helper.make_node("Conv", ["e", "four"], ["g"], **pads, group=4),
        helper.make_node("GlobalAveragePool", ["r"], ["y"]),
    ]
    constants = weights | bias | {"zero": np.float32(0), "six": np.float32(6)}
    graph = helper.make_graph(nodes, "blocked", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 12, 12])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 8, 1, 1]),
                               helper.make_tensor_value_info("g", TensorProto.FLOAT, ["batch", 4, 3, 3])],
                              [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "blocked.onnx")
        settings = onnxruntime.SessionOptions()
        settings.optimized_model_filepath = path
        plain = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
        x = f(2, 3, 12, 12)
        optimised = onnx.load(path)
        used = {node.domain for node in optimised.graph.node}
        imports = [o for o in optimised.opset_import if o.domain in used]
        del optimised.opset_import[:]
        optimised.opset_import.extend(imports)
        return optimised, [x], plain.run(None, {"x": x})


def main():
    asked = cases.arguments(__doc__)
    for name, op, inputs, *rest in every():
        if asked.only in name:
            model = build(op, inputs, *rest)
            given = [a for a in inputs if isinstance(a, np.ndarray)]
            got = run(model, dict(zip((i.name for i in model.graph.input), given)))
            cases.write(asked.out / "contrib" / name, model, [(given, got)])
    for name, texts, attributes in tokenizers():
        if asked.only in name:
            model = tokenizer(texts.shape, attributes)
            got = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": texts})
            cases.write(asked.out / "contrib" / name, model, [([texts], got)])
    if asked.only in "tree_repeated_weights":
        model, x = repeated_weights(), np.array([[0, 1], [1, 0]], np.float32)
        got = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})
        cases.write(asked.out / "sklearn" / "tree_repeated_weights", model, [([x], got)])
    if asked.only in "blocked_channels":
        model, given, got = blocked()
        cases.write(asked.out / "optimised" / "blocked_channels", model, [(given, got)])


if __name__ == "__main__":
    main()
