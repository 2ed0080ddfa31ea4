"""Writes random inputs for a model: make_inputs.py MODEL.onnx DIR [NAME=N ...] writes DIR/INPUT.npy for each input.

NAME=N gives a symbolic dimension's size, or an integer input's value. Prints --input arguments for onda run.
"""

import pathlib
import sys

import numpy as np
import onnx


def main(path, folder, *sizes):
    sizes = {name: int(n) for name, n in (s.split("=") for s in sizes)}
    random = np.random.default_rng(11)
    graph = onnx.load(path).graph
    for i in graph.input:
        kind = i.type.tensor_type
        shape = [sizes[d.dim_param] if d.dim_param else d.dim_value for d in kind.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        if np.issubdtype(dtype, np.integer):
            value = np.full(shape, sizes[i.name], dtype)
        else:
            value = random.normal(0, 1, shape).astype(dtype)
        file = pathlib.Path(folder) / f"{i.name}.npy"
        np.save(file, value)
        print(f"--input={i.name}={file}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
