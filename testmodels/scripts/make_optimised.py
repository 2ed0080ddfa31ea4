"""optimised/: models of other families as ONNX Runtime's graph optimiser saves them, and language models as
onnxruntime.transformers does, fused and after that quantised or in float16.

Expected outputs are those of the models they were made from. Level "all" changes the layout of float convolutions to
that of the machine; only models without them are taken at it.
"""

import pathlib
import tempfile

import onnx
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

import cases

EXTENDED, ALL = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
CASES = [
    ("multihead", "attention/multihead", ALL),
    ("known_future", "dynamo/general_known_future_opset22", EXTENDED),
    ("lstm_layernorm_opset16", "recurrent/lstm_forecaster_layernorm_opset16", EXTENDED),
    ("gelu_pre_norm_opset10", "transformer/gelu_pre_norm_opset10", ALL),
    ("silu_pre_norm", "transformer/silu_pre_norm_opset16", EXTENDED),
    ("patch_tst", "transformer/patch_tst_opset12", ALL),
    ("wavenet", "temporal/wavenet", EXTENDED),
    ("seq2seq_dynamic", "quantised/seq2seq_dynamic", ALL),
    ("tcn_qdq", "quantised/tcn_qdq", ALL),
    ("transformer_qdq", "quantised/transformer_qdq", ALL),
]
# how onnxruntime.transformers fuses them: the model's type, and what is done then
FUSED = [
    ("bert", "transformer/bert", "bert", ""),
    ("bert_multihead", "transformer/bert", "bert", "multihead"),
    ("bert_int8", "transformer/bert", "bert", "int8"),
    ("bert_int8_extended", "transformer/bert", "bert", "int8 extended"),
    ("gpt_past", "transformer/gpt_past", "gpt2", ""),
    ("gpt_past_int8_extended", "transformer/gpt_past", "gpt2", "int8 extended"),
]


def extended(path):
    """Lets ONNX Runtime's own optimiser go over the model at path."""
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = EXTENDED
    settings.log_severity_level = 3
    settings.optimized_model_filepath = str(path) + ".extended"
    onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    return pathlib.Path(settings.optimized_model_filepath)


def outputs(path, feeds):
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"]).run(None, feeds)


def fuse(name, source, kind, then, out):
    """Expected outputs are PyTorch's, or where the model is quantised ONNX Runtime's."""
    path, sets = cases.read_case(cases.ROOT / source)
    options = FusionOptions(kind)
    options.use_multi_head_attention = then == "multihead"
    made = optimizer.optimize_model(str(path), model_type=kind, num_heads=2, hidden_size=8, optimization_options=options, opt_level=0)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "made.onnx"
        made.save_model_to_file(str(file))
        if then.startswith("int8"):
            small = pathlib.Path(folder) / "small.onnx"
            # 7 bits: with more, ONNX Runtime's sums of pairs saturate on machines without VNNI
            quantize_dynamic(str(file), str(small), weight_type=QuantType.QInt8, reduce_range=True,
                             extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT})
            file = small
        if then.endswith("extended"):
            file = extended(file)
        if then.startswith("int8"):
            sets = [(i, dict(zip(o, outputs(file, i)))) for i, o in sets]
        write(out, name, onnx.load(str(file)), sets)


def write(out, name, built, sets):
    for entry in list(built.opset_import):  # it imports all the domains it knows
        if entry.domain not in ("", "com.microsoft"):
            built.opset_import.remove(entry)
    if built.ByteSize() > 60 << 10:  # no file here has more than 64 KiB
        del built.graph.value_info[:]
    cases.write(out / "optimised" / name, built, [(list(i.values()), list(o.values())) for i, o in sets])


def main():
    asked = cases.arguments(__doc__)
    for name, *rest in FUSED:
        if asked.only in name:
            fuse(name, *rest, asked.out)
    for name, source, level in CASES:
        if asked.only not in name:
            continue
        model, sets = cases.read_case(cases.ROOT / source)
        settings = onnxruntime.SessionOptions()
        settings.graph_optimization_level = level
        settings.log_severity_level = 3
        with tempfile.TemporaryDirectory() as folder:
            made = pathlib.Path(folder) / "made.onnx"
            settings.optimized_model_filepath = str(made)
            onnxruntime.InferenceSession(str(model), settings, providers=["CPUExecutionProvider"])
            built = onnx.load(str(made))
        write(asked.out, name, built, sets)


if __name__ == "__main__":
    main()
