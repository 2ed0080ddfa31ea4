"""The 8-bit forms of performance models by ONNX Runtime's dynamic quantiser: perf_int8.py MODELS NAME..., where
MODELS/NAME/model.onnx becomes MODELS/NAME_int8/model.onnx."""

import pathlib
import sys

from onnxruntime.quantization import QuantType, quantize_dynamic

models = pathlib.Path(sys.argv[1])
for name in sys.argv[2:]:
    out = models / f"{name}_int8"
    if not out.exists():
        out.mkdir()
        quantize_dynamic(models / name / "model.onnx", out / "model.onnx", weight_type=QuantType.QInt8)
