"""recurrent/: LSTM, GRU and RNN through PyTorch's TorchScript exporter (torch 1.13)."""

import torch

from nets import recurrent as nets
from torch_export import Case, axes, build, noise, write_all

STATES = {"lstm": ["h", "c"], "gru": ["h"], "rnn": ["h"]}


def stack(name, kind, inputs=3, hidden=5, batch=2, steps=6, seed=1, opset=17, dynamic=True, fold=True,
          dtype=torch.float32, **options):
    """A stack without initial states, with a second data set of another batch and length if dynamic."""
    net = build(seed, nets.Recurrent, kind, inputs, hidden, **options).to(dtype)
    x, state = sequence_axes(net)
    outputs = ["y"] + [s + "n" for s in STATES[kind]]
    sizes = [(batch, steps), (batch + 1, steps + 3)] if dynamic else [(batch, steps)]
    return Case(name, net, [(sequence(net, seed + b, b, t, inputs, dtype),) for b, t in sizes], ["x"], outputs, opset,
                axes(x=x, y=x, **{o: state for o in outputs[1:]}) if dynamic else {}, fold=fold)


def with_states(name, kind, inputs=3, hidden=4, layers=1, bidirectional=False, batch=2, steps=5, seed=2, opset=17,
                dtype=torch.float32, **options):
    """A stack whose initial states are inputs of the graph."""
    net = build(seed, nets.WithStates, kind, inputs, hidden, layers, bidirectional, **options).to(dtype)
    x, state = sequence_axes(net)
    names = STATES[kind]
    rows = layers * (2 if bidirectional else 1)
    sets = [(sequence(net, seed + b, b, t, inputs, dtype),
             *(noise(seed + 10 * (i + 1) + b, rows, b, hidden, dtype=dtype) for i in range(len(names))))
            for b, t in ((batch, steps), (batch + 2, steps + 1))]
    given, last = [s + "0" for s in names], [s + "n" for s in names]
    return Case(name, net, sets, ["x", *given], ["y", *last], opset,
                axes(x=x, y=x, **{s: state for s in given + last}))


def packed(name, kind, lengths, again, inputs=3, hidden=4, layers=1, bidirectional=False, seed=3, opset=17, **options):
    """pack_padded_sequence: the lengths are an input; the values past them are noise that must not matter.

    The exporter bakes zero states of the example's batch behind an Expand: lengths and again are of the
    same batch, or lengths is of batch 1."""
    net = build(seed, nets.Packed, kind, inputs, hidden, layers, bidirectional, **options)
    x, state = sequence_axes(net)
    last = [s + "n" for s in STATES[kind]]
    sets = [(sequence(net, seed + len(n), len(n), max(n), inputs), torch.tensor(n)) for n in (lengths, again)]
    return Case(name, net, sets, ["x", "lengths"], ["y", *last], opset,
                axes(x=x, lengths="batch", y=x, **{s: state for s in last}))


def forecaster(name, kind, inputs=4, hidden=6, layers=2, horizon=3, batch=2, steps=7, seed=4, opset=17, **options):
    net = build(seed, nets.Forecaster, kind, inputs, hidden, layers, horizon, **options)
    sets = [(noise(seed + b, b, t, inputs),) for b, t in ((batch, steps), (1, steps + 4))]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="batch,time,", y="batch,"))


def baked(name, scale, batches, inputs=3, hidden=4, steps=5, seed=5, opset=17):
    """Initial states baked to the example's batch of 1, run with other batches too."""
    net = build(seed, nets.LearnedState, inputs, hidden, scale)
    expect = build(seed, nets.LearnedState, inputs, hidden, scale, expand=True)
    sets = [(noise(seed + b, b, steps, inputs),) for b in batches]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="batch,,", y="batch,,"), expect=expect)


def cell_loop(name, inputs=2, hidden=4, batch=2, steps=4, seed=6, opset=17):
    net = build(seed, nets.CellLoop, inputs, hidden)
    sets = [(noise(seed + b, b, steps, inputs),) for b in (batch, batch + 3)]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="batch,,", y="batch,,"))


def sequence_axes(net):
    x = "batch,time," if net.cell.batch_first else "time,batch,"
    return x, ",batch,"


def sequence(net, seed, batch, steps, inputs, dtype=torch.float32):
    shape = (batch, steps, inputs) if net.cell.batch_first else (steps, batch, inputs)
    return noise(seed, *shape, dtype=dtype)


def all_cases():
    f = "recurrent/"
    for kind in ("lstm", "gru", "rnn"):
        for opset in range(9, 18):
            yield stack(f"{f}{kind}_opset{opset}", kind, opset=opset, seed=opset, bidirectional=opset % 2 == 0)
        yield stack(f"{f}{kind}_time_first", kind, batch_first=False, seed=21)
        yield stack(f"{f}{kind}_bidirectional_time_first", kind, bidirectional=True, batch_first=False, seed=22, opset=13)
        yield stack(f"{f}{kind}_stacked", kind, layers=3, seed=23, opset=11)
        yield stack(f"{f}{kind}_stacked_bidirectional", kind, layers=2, bidirectional=True, seed=24, opset=14)
        yield stack(f"{f}{kind}_fixed_shape", kind, layers=2, dynamic=False, seed=25, opset=9)
        yield stack(f"{f}{kind}_unfolded_weights", kind, fold=False, seed=26, opset=12)
        yield stack(f"{f}{kind}_no_bias", kind, bias=False, seed=27, opset=15)
        yield stack(f"{f}{kind}_double", kind, dtype=torch.float64, layers=2, bidirectional=True, seed=28, opset=16)
        yield stack(f"{f}{kind}_one_step_one_feature", kind, inputs=1, hidden=1, batch=1, steps=1, seed=29)
        yield stack(f"{f}{kind}_wide", kind, inputs=5, hidden=17, batch=3, steps=4, seed=30, opset=13)
        yield with_states(f"{f}{kind}_states", kind, opset=13)
        yield with_states(f"{f}{kind}_states_stacked_bidirectional", kind, layers=2, bidirectional=True, opset=11, seed=31)
        yield with_states(f"{f}{kind}_states_time_first", kind, batch_first=False, opset=9, seed=32)
        yield with_states(f"{f}{kind}_states_double", kind, dtype=torch.float64, seed=33)
        yield packed(f"{f}{kind}_packed", kind, [5, 3, 1], [6, 6, 2], opset=14)
        yield packed(f"{f}{kind}_packed_bidirectional", kind, [4], [7, 5, 2, 1], bidirectional=True, seed=34)
        yield forecaster(f"{f}{kind}_forecaster", kind, opset=13)
    yield stack(f"{f}rnn_relu", "rnn", nonlinearity="relu", layers=2, bidirectional=True, seed=41, opset=10)
    yield stack(f"{f}lstm_projected_sizes", "lstm", inputs=1, hidden=16, layers=2, seed=42, opset=17)
    yield packed(f"{f}lstm_packed_stacked_time_first", "lstm", [6, 4, 4, 1], [3, 2, 2, 1], layers=2, bidirectional=True,
                 batch_first=False, seed=43, opset=12)
    yield forecaster(f"{f}lstm_forecaster_dropout_norm", "lstm", dropout=0.3, norm=True, bidirectional=True, seed=44)
    yield forecaster(f"{f}lstm_forecaster_layernorm_opset16", "lstm", norm=True, seed=45, opset=16)
    yield baked(f"{f}lstm_baked_zero_state", 0.0, (1, 3))
    yield baked(f"{f}lstm_baked_learned_state", 1.0, (1, 4), seed=46, opset=14)
    yield cell_loop(f"{f}lstm_cell_unrolled")


if __name__ == "__main__":
    write_all(__doc__, all_cases())
