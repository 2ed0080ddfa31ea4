"""One case of a PyTorch model: what to trace, with which inputs, under which names."""

import io
import warnings
from dataclasses import dataclass, field

import onnx
import torch

import cases


@dataclass
class Case:
    """A model and its data sets.

    name     family/name, the folder it is written to
    net      the module; its constructor has drawn the weights already
    sets     tuples of input tensors, the first of which the exporter traces with
    inputs   names of the inputs
    outputs  names of the outputs
    dynamic  torch.onnx.export's dynamic_axes
    script   export torch.jit.script(net), so that loops and branches stay
    fold     let the exporter fold constants
    expect   the module that computes the expected outputs, where it is not net
    """
    name: str
    net: torch.nn.Module
    sets: list
    inputs: list
    outputs: list
    opset: int = 17
    dynamic: dict = field(default_factory=dict)
    script: bool = False
    fold: bool = True
    expect: torch.nn.Module = None


def write_all(description, all_cases, export=None):
    """What every generator does when run: write the cases asked for, and fail naming those that do not export."""
    export = export or torchscript
    options = cases.arguments(description)
    failed = []
    for case in all_cases:
        if options.only in case.name:
            try:
                export(case, options.out)
            except Exception as error:  # the exporter raises what it likes
                failed.append(f"{case.name}: {type(error).__name__}: {error}")
    if failed:
        raise SystemExit("\n".join(failed))


def torchscript(case, out):
    """Writes the case to out/case.name with the TorchScript exporter; the outputs come from PyTorch."""
    net = case.net.eval()
    sets = [([t.numpy() for t in args], expected(case.expect or net, args)) for args in case.sets]
    file = io.BytesIO()
    with warnings.catch_warnings():  # not torch.no_grad(): it would choose fused layers that do not export
        warnings.simplefilter("ignore")
        torch.onnx.export(torch.jit.script(net) if case.script else net, case.sets[0], file,
                          input_names=case.inputs, output_names=case.outputs, dynamic_axes=case.dynamic,
                          opset_version=case.opset, do_constant_folding=case.fold)
    cases.write(out / case.name, onnx.load_from_string(file.getvalue()), sets)


def dynamo(case, out):
    """The same with the exporter built on torch.export; axes of one name are one dimension."""
    net = case.net.eval()
    sets = [([t.numpy() for t in args], expected(case.expect or net, args)) for args in case.sets]
    dims = {}
    shapes = [{i: dims.setdefault(word, torch.export.Dim(word, max=4096)) for i, word in case.dynamic.get(name, {}).items()} or None
              for name in case.inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(net, case.sets[0], dynamo=True, verbose=False, opset_version=case.opset,
                                    input_names=case.inputs, output_names=case.outputs, dynamic_shapes=tuple(shapes),
                                    optimize=case.fold)
    cases.write(out / case.name, program.model_proto, sets)


def expected(net, args):
    with torch.no_grad():
        got = net(*[t.clone() for t in args])
    return [t.numpy() for t in flatten(got)]


def flatten(value):
    """Lists the tensors of nested tuples, in the order the exporter gives them."""
    if isinstance(value, torch.Tensor):
        return [value]
    return [t for v in value for t in flatten(v)]


def axes(**names):
    """axes(x="batch,time,") is {"x": {0: "batch", 1: "time"}}: an empty word is a fixed axis."""
    return {name: {i: word for i, word in enumerate(words.split(",")) if word} for name, words in names.items()}


def build(seed, make, *args, **options):
    """Calls make with PyTorch's generator set, so that a case does not depend on the cases before it."""
    torch.manual_seed(seed)
    return make(*args, **options)


def noise(seed, *shape, dtype=torch.float32):
    """Standard normal values from a generator of their own."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)
