"""Writes one test model in the layout ONNX's own node tests have:

    NAME/model.onnx
    NAME/test_data_set_0/input_0.pb, output_0.pb, ...

Every script in this folder writes through write(), so all models look alike:
no doc strings, no stack traces and no file names of the machine that made them.
"""

import argparse
import pathlib
import shutil

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent


def write(folder, model, sets):
    """Writes model and its data sets into folder, replacing what was there.

    sets is a list of (inputs, outputs); both are lists of arrays in the order of
    the graph's inputs and outputs. None leaves out an optional input.
    """
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    strip(model)
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    write_sets(folder, model, sets)


def write_sets(folder, model, sets):
    """Writes the data sets only, for a model that is saved in a way of its own."""
    initialised = {t.name for t in model.graph.initializer}
    names = [i.name for i in model.graph.input if i.name not in initialised]
    for k, (inputs, outputs) in enumerate(sets):
        data = pathlib.Path(folder) / f"test_data_set_{k}"
        data.mkdir()
        write_tensors(data, "input", names, inputs)
        write_tensors(data, "output", [o.name for o in model.graph.output], outputs)


def write_tensors(folder, kind, names, arrays):
    if len(names) != len(arrays):
        raise ValueError(f"{folder}: the graph names {len(names)} {kind}s {names}, the case has {len(arrays)}")
    for i, (name, array) in enumerate(zip(names, arrays)):
        if array is not None:
            tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(np.shape(array)), name)
            (folder / f"{kind}_{i}.pb").write_bytes(tensor.SerializeToString())


def strip(model):
    """Removes what exporters note about the place where they ran."""
    model.doc_string = ""
    strip_graph(model.graph)
    for function in getattr(model, "functions", []):
        function.doc_string = ""
        for node in function.node:
            strip_node(node)
        clear_notes(function)
        for value in getattr(function, "value_info", []):
            clear_notes(value)


def strip_graph(graph):
    graph.doc_string = ""
    clear_notes(graph)
    for value in [*graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        value.doc_string = ""
        clear_notes(value)
    for node in graph.node:
        strip_node(node)


def strip_node(node):
    node.doc_string = ""
    clear_notes(node)
    for attribute in node.attribute:
        attribute.doc_string = ""
        if attribute.HasField("g"):
            strip_graph(attribute.g)
        for graph in attribute.graphs:
            strip_graph(graph)


def clear_notes(message):
    """Empties metadata_props, which hold stack traces below the model itself."""
    if hasattr(message, "metadata_props"):
        del message.metadata_props[:]


def read_case(folder):
    """Returns (model path, [(inputs by name, outputs in order)]) of a folder written by write()."""
    folder = pathlib.Path(folder)
    sets = []
    for data in sorted(folder.glob("test_data_set_*")):
        tensors = {kind: [onnx.load_tensor(str(data / f"{kind}_{i}.pb"))
                          for i in sorted(int(p.stem.split("_")[1]) for p in data.glob(f"{kind}_*.pb"))]
                   for kind in ("input", "output")}
        sets.append(({t.name: numpy_helper.to_array(t) for t in tensors["input"]},
                     {t.name: numpy_helper.to_array(t) for t in tensors["output"]}))
    return folder / "model.onnx", sets


def arguments(description):
    """Parses the two options every generator has: where to write, and which cases."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT, help="folder to write into (default: testmodels)")
    parser.add_argument("--only", default="", help="write only the cases whose name contains this")
    return parser.parse_args()
