"""seq2seq/: encoder-decoders with attention, traced (unrolled) and scripted (Loop, If, sequences), by torch 1.13."""

import torch

from nets import seq2seq as nets
from torch_export import Case, axes, build, noise, write_all


def traced(name, features=2, hidden=8, layers=2, heads=2, horizon=4, steps=7, batch=2, bidirectional=True, seed=1, opset=17):
    net = build(seed, nets.Seq2Seq, features, hidden, layers, heads, horizon, bidirectional)
    sets = [(noise(seed + b, b, t, features),) for b, t in ((batch, steps), (batch + 1, steps + 5))]
    return Case(name, net, sets, ["x"], ["y", "attention"], opset, axes(x="batch,time,", y="batch,,", attention="batch,,,time"))


def additive(name, features=3, hidden=6, horizon=5, seed=2, opset=13):
    net = build(seed, nets.AdditiveDecoder, features, hidden, horizon)
    sets = [(noise(seed + b, b, t, features),) for b, t in ((2, 6), (4, 9))]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="batch,time,", y="batch,,"))


def general(name, features=2, known=3, hidden=6, horizon=4, seed=3, opset=14):
    net = build(seed, nets.GeneralDecoder, features, known, hidden)
    sets = [(noise(seed + b, b, t, features), noise(seed + 50 + b, b, horizon, known)) for b, t in ((2, 5), (1, 8))]
    return Case(name, net, sets, ["past", "future"], ["y"], opset, axes(past="batch,time,", future="batch,,", y="batch,,"))


def scripted_list(name, features=2, hidden=5, horizons=(3, 6), seed=4, opset=13):
    net = build(seed, nets.ScriptedList, features, hidden)
    sets = [(noise(seed + b, b, 6, features), torch.tensor(h)) for b, h in zip((2, 1), horizons)]
    return Case(name, net, sets, ["x", "horizon"], ["y"], opset, axes(x="batch,time,", y="batch,horizon,"), script=True)


def scripted_concat(name, features=2, hidden=4, horizon=4, seed=5, opset=11):
    net = build(seed, nets.ScriptedConcat, features, hidden, horizon)
    sets = [(noise(seed + b, b, t, features),) for b, t in ((2, 6), (3, 4))]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="batch,time,", y="batch,horizon,"), script=True)


def scripted_while(name, hidden=4, floors=(-0.4, 0.05, 10.0), seed=6, opset=14):
    net = build(seed, nets.ScriptedWhile, hidden)
    sets = [(noise(seed + i, 2, 5, 1), torch.tensor(f)) for i, f in enumerate(floors)]
    return Case(name, net, sets, ["x", "floor"], ["y", "count"], opset, axes(x="batch,time,", y="batch,,"), script=True)


def scripted_cells(name, features=2, hidden=4, seed=7, opset=15):
    net = build(seed, nets.ScriptedCells, features, hidden)
    sets = [(noise(seed + b, t, b, features),) for b, t in ((2, 4), (1, 7))]
    return Case(name, net, sets, ["x"], ["y", "h"], opset, axes(x="time,batch,", y="time2,batch,", h="batch,"), script=True)


def scripted_branch(name, features=2, hidden=4, seed=8, opset=13):
    net = build(seed, nets.ScriptedBranch, features, hidden)
    sets = [(noise(seed, 2, 5, features).abs(),), (-noise(seed + 1, 3, 4, features).abs(),)]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="batch,time,", y="batch,"), script=True)


def scripted_nested(name, hidden=4, horizons=(3, 4), seed=9, opset=16):
    net = build(seed, nets.ScriptedNested, hidden)
    sets = [(noise(seed + h, 2, 5, 1), torch.tensor(h)) for h in horizons]
    return Case(name, net, sets, ["x", "horizon"], ["y"], opset, axes(x="batch,time,", y="batch,horizon,"), script=True)


def all_cases():
    f = "seq2seq/"
    yield traced(f"{f}traced", horizon=3)
    yield traced(f"{f}traced_one_direction", bidirectional=False, layers=1, heads=4, seed=11, opset=13)
    yield traced(f"{f}traced_opset9", layers=1, hidden=6, heads=1, horizon=3, seed=12, opset=9)
    yield traced(f"{f}traced_opset11", layers=1, hidden=6, heads=3, horizon=3, seed=13, opset=11)
    yield traced(f"{f}traced_opset15", layers=3, hidden=4, heads=2, horizon=2, seed=14, opset=15)
    yield additive(f"{f}additive_gru_cell")
    yield additive(f"{f}additive_gru_cell_opset9", seed=15, opset=9)
    yield general(f"{f}general_known_future")
    yield general(f"{f}general_known_future_opset17", seed=16, opset=17)
    yield scripted_list(f"{f}loop_sequence")
    yield scripted_list(f"{f}loop_sequence_opset11", seed=17, opset=11)
    yield scripted_list(f"{f}loop_sequence_opset17", seed=18, opset=17)
    yield scripted_concat(f"{f}scripted_unrolled")
    yield scripted_concat(f"{f}scripted_unrolled_opset9", seed=19, opset=9)
    yield scripted_concat(f"{f}scripted_unrolled_opset16", seed=20, opset=16)
    yield scripted_while(f"{f}loop_until")
    yield scripted_cells(f"{f}loop_cells")
    yield scripted_cells(f"{f}loop_cells_opset9", seed=21, opset=9)
    yield scripted_branch(f"{f}if_branches")
    yield scripted_branch(f"{f}if_branches_opset9", seed=22, opset=9)
    yield scripted_branch(f"{f}if_branches_opset17", seed=23, opset=17)
    yield scripted_nested(f"{f}if_in_loop")
    yield scripted_nested(f"{f}if_in_loop_opset12", seed=24, opset=12)


if __name__ == "__main__":
    write_all(__doc__, all_cases())
