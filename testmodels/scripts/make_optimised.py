"""optimised/: models of other families as ONNX Runtime's graph optimiser saves them.

Expected outputs are those of the models they were made from. Level "all" changes the layout of float convolutions to
that of the machine; only models without them are taken at it.
"""

import pathlib
import tempfile

import onnx
import onnxruntime

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


def main():
    asked = cases.arguments(__doc__)
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
        for entry in list(built.opset_import):  # it imports all the domains it knows
            if entry.domain not in ("", "com.microsoft"):
                built.opset_import.remove(entry)
        if built.ByteSize() > 60 << 10:  # no file here has more than 64 KiB
            del built.graph.value_info[:]
        cases.write(asked.out / "optimised" / name, built, [(list(i.values()), list(o.values())) for i, o in sets])


if __name__ == "__main__":
    main()
