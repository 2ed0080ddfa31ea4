"""Checks an exported model: check_export.py MODEL.onnx NAME=INPUT.npy ... NAME=OUTPUT.npy ...

onnx.checker must accept it with full_check, and ONNX Runtime must give the outputs that onda gave, within 1e-5
of the largest value. A name that the graph has as an input is an input, any other must be an output.
"""

import sys

import numpy as np
import onnx
import onnxruntime


def main(path, *files):
    onnx.checker.check_model(path, full_check=True)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3  # an input with a default is worth a warning to it
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    inputs = {i.name for i in onnx.load(path).graph.input}
    arrays = {name: np.load(file) for name, file in (f.split("=", 1) for f in files)}
    feeds = {name: value for name, value in arrays.items() if name in inputs}
    wanted = [name for name in arrays if name not in inputs]
    if not wanted:
        raise SystemExit(f"{path}: no output to compare given")
    for name, value in zip(wanted, session.run(wanted, feeds)):
        got = arrays[name]
        if got.shape != value.shape:
            raise SystemExit(f"{path}: output {name}: shape {got.shape}, ONNX Runtime's is {value.shape}")
        far = np.abs(got - value).max()
        if not far <= 1e-5 * max(1.0, np.abs(value).max()):
            raise SystemExit(f"{path}: output {name} differs from ONNX Runtime by up to {far:.3g}")
        print(f"{path}: output {name} within {far:.2g} of ONNX Runtime")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
