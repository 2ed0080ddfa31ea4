"""Writes what onnx says of every operator, each version, and ONNX Runtime of those of com.microsoft:
ops/schemas/schemas.json.gz, which a test holds the table of operators against. Of an input and output: the name of its type's parameter or the type, and how often it may occur; of an
attribute: its type, and if it must be given."""

import gzip
import json
import pathlib

import onnx.defs
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

MANY = 1 << 30
OUT = pathlib.Path(__file__).resolve().parents[2] / "ops" / "schemas" / "schemas.json.gz"


def port(p):
    return {"name": p.name, "type": getattr(p, "type_str", None) or p.typeStr, "option": p.option.name}


def arity(s):
    """How many inputs and outputs there may be."""
    if hasattr(s, "min_input"):
        return {"min_in": s.min_input, "max_in": min(s.max_input, MANY), "min_out": s.min_output, "max_out": min(s.max_output, MANY)}
    counts = {}
    for key, ports in ("in", s.inputs), ("out", s.outputs):
        needed = [i for i, p in enumerate(ports) if p.option.name != "Optional"]
        counts["min_" + key] = needed[-1] + 1 if needed else 0
        counts["max_" + key] = MANY if ports and ports[-1].option.name == "Variadic" else len(ports)
    return counts


def describe(s):
    return {
        "name": s.name, "domain": s.domain, "since": s.since_version, "deprecated": s.deprecated, **arity(s),
        "inputs": [port(p) for p in s.inputs], "outputs": [port(p) for p in s.outputs],
        "types": {c.type_param_str: sorted(c.allowed_type_strs) for c in s.type_constraints},
        "attributes": {n: {"type": a.type.name, "required": a.required} for n, a in sorted(s.attributes.items())},
    }


def main():
    contrib = [s for s in get_all_operator_schema() if s.domain == "com.microsoft"]
    schemas = sorted([*onnx.defs.get_all_schemas_with_history(), *contrib], key=lambda s: (s.domain, s.name, s.since_version))
    text = json.dumps({"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "schemas": [describe(s) for s in schemas]}, separators=(",", ":"))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
