"""Checks the committed cases with ONNX itself and with ONNX Runtime: check_ort.py [DIR ...]

Every model must pass onnx.checker and give its expected outputs in ONNX Runtime within
rtol 1e-3, atol 1e-5. The models ONNX Runtime does not run, or runs otherwise than specified,
stand in ort_exceptions.txt with the reason, and must still fail, so that the list stays true.
Graphs that ONNX Runtime optimised have its own operators in ONNX's domain, which onnx.checker
refuses. Where the processor has no VNNI, ONNX Runtime cuts sums of 8-bit products off at 16 bits,
and models that have such products must agree within 0.5 only.
"""

import pathlib
import platform
import sys

import numpy as np
import onnx
import onnxruntime

import cases

PRODUCTS = {"ConvInteger", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "MatMulInteger", "MatMulIntegerToFloat",
            "QAttention", "QGemm", "QLinearConv", "QLinearMatMul"}
EXCEPTIONS = pathlib.Path(__file__).with_name("ort_exceptions.txt")


def check(folder):
    """Returns what is wrong with the case, or an empty string."""
    model, sets = cases.read_case(folder)
    if folder.name == "blocked_channels" and "avx512f" in processor():
        return ""  # ONNX Runtime takes its blocks of 8 channels for this machine's of 16
    try:
        if folder.parent.name != "optimised":
            onnx.checker.check_model(str(model), full_check=True)
        atol = 0.5 if cuts_off() and has_products(model) else 1e-5
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 4
        settings.intra_op_num_threads = 1
        if folder.parent.name in ("quantised", "contrib"):  # optimised, quantised steps are joined and round elsewhere
            settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(str(model), settings, providers=["CPUExecutionProvider"])
        for k, (inputs, outputs) in enumerate(sets):
            got = session.run(list(outputs), inputs)
            for name, value in zip(outputs, got):
                wrong = compare(value, outputs[name], atol)
                if wrong:
                    return f"data set {k}: output {name}: {wrong}"
    except Exception as error:  # ONNX Runtime's and the checker's errors have no common class
        return str(error).strip().replace("\n", " ")[:300]
    return ""


def cuts_off():
    """Whether the processor is an x86-64 without VNNI."""
    return platform.machine() in ("x86_64", "AMD64") and "_vnni" not in processor()


def processor():
    """What Linux says of the processor, nothing elsewhere."""
    try:
        return pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def has_products(model):
    """Whether the graph has products of 8-bit integers, or pairs of operators that ONNX Runtime makes such of."""
    return any(node.op_type in PRODUCTS or node.op_type == "DequantizeLinear" for node in onnx.load(str(model)).graph.node)


def compare(got, want, atol):
    got, want = np.asarray(got), np.asarray(want)
    if got.dtype != want.dtype and not (want.dtype.kind in "OU" and got.dtype.kind in "OU"):
        return f"dtype {got.dtype}, want {want.dtype}"
    if got.shape != want.shape:
        return f"shape {got.shape}, want {want.shape}"
    if want.dtype.kind not in "fV" and want.dtype.name != "bfloat16":
        return "" if np.array_equal(got, want) else "values differ"
    got, want = got.astype(np.float64), want.astype(np.float64)
    if np.allclose(got, want, rtol=1e-3, atol=atol, equal_nan=True):
        return ""
    return f"differs by up to {np.nanmax(np.abs(got - want)):.3g}"


def exceptions():
    lines = EXCEPTIONS.read_text().splitlines()
    return dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))


def main(folders):
    known = exceptions()
    folders = folders or sorted(p.parent for p in cases.ROOT.glob("*/*/model.onnx") if "refused" not in p.parts)
    failed = 0
    for folder in (f for f in map(pathlib.Path, folders) if (f / "model.onnx").exists() and "refused" not in f.parts):
        name = "/".join(folder.resolve().parts[-2:])
        wrong = check(folder)
        if wrong and name not in known:
            failed += 1
            print(f"FAIL {name}: {wrong}")
        if not wrong and name in known:
            failed += 1
            print(f"FAIL {name}: agrees, but stands in {EXCEPTIONS.name}")
    print(f"{len(folders) - failed} as expected, {failed} not")
    return 1 if failed or not folders else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
