"""quantised/: models of other families through ONNX Runtime's own tools: int8 and float16.

Expected outputs come from ONNX Runtime, run without its optimisations, but for dlinear_half, which ONNX's reference
implementation rounds after every operator as its type says: ONNX Runtime keeps float32 between operators that it has
in float32 only. Outputs agree within 1e-5 + 1e-3 of the value.
"""

import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

import cases


class Reader(CalibrationDataReader):
    """Feeds a case's own data sets to the calibration."""

    def __init__(self, sets):
        self.feeds = iter([inputs for inputs, _ in sets])

    def get_next(self):
        return next(self.feeds, None)


def dynamic(model, sets, out, **options):
    quantize_dynamic(model, out, **options)


def static(model, sets, out, **options):
    quantize_static(model, out, Reader(sets), **options)


def half(model, sets, out, **options):
    built = convert_float_to_float16(onnx.load(model), **options)
    sort(built.graph)
    onnx.save(built, out)


def sort(graph):
    """Orders the nodes: the conversion puts its casts at the end."""
    known = {"", *(i.name for i in graph.input), *(t.name for t in graph.initializer)}
    waiting, ordered = list(graph.node), []
    while waiting:
        ready = [n for n in waiting if known.issuperset(n.input)]
        known.update(name for n in ready for name in n.output)
        ordered += ready
        waiting = [n for n in waiting if n not in ready]
    del graph.node[:]
    graph.node.extend(ordered)


def run(model, sets, tool):
    """Runs the model as written: optimised, ONNX Runtime would join the quantised steps and round elsewhere."""
    if tool is half and not any(n.op_type == "LSTM" for n in model.graph.node):
        return [ReferenceEvaluator(model).run(None, inputs) for inputs, _ in sets]
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return [session.run(None, inputs) for inputs, _ in sets]


ALL = [
    ("lstm_dynamic", "recurrent/lstm_forecaster", dynamic, {}),
    ("lstm_dynamic_per_channel", "recurrent/lstm_stacked_bidirectional", dynamic, {"per_channel": True}),
    ("lstm_dynamic_uint8", "recurrent/lstm_opset13", dynamic, {"weight_type": QuantType.QUInt8}),
    ("gru_dynamic", "recurrent/gru_forecaster", dynamic, {}),
    ("seq2seq_dynamic", "seq2seq/traced_one_direction", dynamic, {}),
    ("transformer_dynamic", "transformer/relu_pre_norm_opset13", dynamic, {}),
    ("attention_qdq", "attention/additive", static, {"quant_format": QuantFormat.QDQ}),
    ("transformer_qdq", "transformer/itransformer", static, {"quant_format": QuantFormat.QDQ, "per_channel": True}),
    ("transformer_qoperator", "transformer/relu_post_norm", static, {"quant_format": QuantFormat.QOperator}),
    ("tcn_qdq", "temporal/tcn_opset13", static, {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QInt8}),
    ("tcn_qoperator", "temporal/tcn_opset13", static, {"quant_format": QuantFormat.QOperator}),
    ("dlinear_qdq", "temporal/dlinear_opset13", static, {"quant_format": QuantFormat.QDQ}),
    ("dlinear_half", "temporal/dlinear_opset13", half, {"keep_io_types": True}),
    ("lstm_half", "recurrent/lstm_forecaster", half, {"keep_io_types": True, "op_block_list": ["LSTM", "ConstantOfShape"]}),
]


def main():
    asked = cases.arguments(__doc__)
    for name, source, tool, options in ALL:
        if asked.only not in name:
            continue
        model, sets = cases.read_case(cases.ROOT / source)
        with tempfile.TemporaryDirectory() as folder:
            prepared, made = pathlib.Path(folder) / "prepared.onnx", pathlib.Path(folder) / "made.onnx"
            quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True, skip_optimization=True)
            tool(str(prepared), sets, str(made), **options)
            built = onnx.load(str(made))
        cases.strip(built)
        if built.ByteSize() > 60 << 10:  # no file here has more than 64 KiB
            del built.graph.value_info[:]
        got = run(built, sets, tool)
        for outputs, (_, want) in zip(got, sets):
            far = max(np.abs(a - b).max() for a, b in zip(outputs, want.values()))
            if far > 0.2:
                raise SystemExit(f"{name}: quantised is {far:.2f} from the original")
        cases.write(asked.out / "quantised" / name, built, [(list(i.values()), o) for (i, _), o in zip(sets, got)])


if __name__ == "__main__":
    main()
