"""temporal/: convolutional, linear and gated forecasters, distribution heads and embeddings, by torch 1.13."""

import torch

from nets import gated, heads, temporal
from torch_export import Case, axes, build, noise, write_all


def plain(name, make, *args, shape, batches=(2, 3), lengths=None, y="batch,,", outputs=("y",), seed=1, opset=17, **options):
    """A model of one float input (batch, *shape); lengths gives the first of shape a second value."""
    net = build(seed, make, *args, **options)
    lengths = lengths or (shape[0], shape[0])
    sets = [(2 + noise(seed + b, b, n, *shape[1:]),) for b, n in zip(batches, lengths)]
    x = "batch," + ("time" if lengths[0] != lengths[1] else "") + "," * (len(shape) - 1)
    return Case(name, net, sets, ["x"], list(outputs), opset, axes(x=x, y=y))


def tide(name, seed=2, opset=17):
    net = build(seed, temporal.TiDE, 8, 4, 2, 10)
    sets = [(noise(seed + b, b, 8), noise(seed + b + 9, b, 12, 2)) for b in (2, 1)]
    return Case(name, net, sets, ["y", "covariates"], ["forecast"], opset, axes(y="batch,", covariates="batch,,", forecast="batch,"))


def grn(name, context, seed=3, opset=17):
    net = build(seed, gated.GRN, 5, 6, 4, 3 if context else 0)
    sets = [(noise(seed + b, b, t, 5),) + ((noise(seed + b + 9, b, 1, 3),) if context else ()) for b, t in ((2, 4), (3, 2))]
    inputs = ["x", "context"] if context else ["x"]
    return Case(name, net, sets, inputs, ["y"], opset, axes(x="batch,time,", context="batch,,", y="batch,time,") if context
                else axes(x="batch,time,", y="batch,time,"))


def variable_selection(name, seed=4, opset=17):
    net = build(seed, gated.VariableSelection, 4, 5)
    sets = [(noise(seed + b, b, t, 4),) for b, t in ((2, 3), (1, 6))]
    return Case(name, net, sets, ["x"], ["y", "weights"], opset, axes(x="batch,time,", y="batch,time,", weights="batch,time,"))


def tft(name, seed=5, opset=17):
    net = build(seed, gated.TFT, 4, 3, 2, 4, 2, 3)
    sets = [(torch.arange(b) % 4, noise(seed + b, b, t, 3), noise(seed + b + 9, b, h, 2)) for b, t, h in ((2, 5, 3), (3, 7, 2))]
    return Case(name, net, sets, ["group", "past", "future"], ["quantiles", "weights"], opset,
                axes(group="batch", past="batch,time,", future="batch,horizon,", quantiles="batch,horizon,", weights="batch,time,"))


def deepar(name, student=False, einsum=True, seed=6, opset=17):
    net = build(seed, heads.DeepAR, 5, 2, 6, student=student, einsum=einsum)
    sets = []
    for b, t in ((2, 5), (3, 8)):
        observed = noise(seed + b + 7, b, t) > -0.5
        observed[-1] = False  # a series without any value
        y = torch.where(observed, 10 + noise(seed + b, b, t), torch.tensor(float("nan")))
        sets.append((y, observed, noise(seed + b + 8, b, t, 2), torch.arange(b) + 1))
    outputs = ["mean", "scale", "degrees"] if student else ["mean", "scale"]
    return Case(name, net, sets, ["y", "observed", "covariates", "group"], outputs, opset,
                axes(y="batch,time", observed="batch,time", covariates="batch,time,", group="batch",
                     **{o: "batch,time" for o in outputs}))


def negative_binomial(name, seed=7, opset=17):
    net = build(seed, heads.NegativeBinomial, 3, 5)
    sets = []
    for b, t in ((2, 6), (4, 3)):
        mask = noise(seed + b + 5, b, t) > -1
        mask[:, 0] = True
        sets.append((noise(seed + b, b, t, 3), noise(seed + b + 9, b, t).abs().mul(5).floor(), mask))
    return Case(name, net, sets, ["x", "count", "mask"], ["mu", "likelihood"], opset,
                axes(x="batch,time,", count="batch,time", mask="batch,time", mu="batch,time", likelihood="batch"))


def mixture(name, seed=8, opset=17):
    net = build(seed, heads.Mixture, 2, 5, 3)
    sets = [(noise(seed + b, b, t, 2), noise(seed + b + 9, b, t)) for b, t in ((2, 6), (1, 4))]
    return Case(name, net, sets, ["x", "y"], ["density", "mean"], opset,
                axes(x="batch,time,", y="batch,time", density="batch,time", mean="batch,time"))


def embed_topk(name, k=3, seed=9, opset=17):
    net = build(seed, heads.EmbedTopK, 11, 4, 5, k)
    sets = [((torch.arange(b * t).view(b, t) * 7 + seed) % 11,) for b, t in ((2, 6), (3, 4))]
    return Case(name, net, sets, ["tokens"], ["values", "indices", "found"], opset,
                axes(tokens="batch,time", values="batch,", indices="batch,", found="batch,"))


def sparse_attention(name, make=heads.SparseAttention, seed=10, opset=17):
    net = build(seed, make, 6, 3)
    sets = [(noise(seed + b, b, t, 6),) for b, t in ((2, 7), (3, 5))]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="batch,time,", y="batch,time,"))


def calendar(name, seed=11, opset=17):
    net = build(seed, heads.CalendarMasked, 5)
    sets = []
    for b, t in ((2, 6), (3, 9)):
        y = noise(seed + b, b, t)
        y[noise(seed + b + 5, b, t) > 0.8] = float("nan")
        sets.append((y, torch.arange(t).repeat(b, 1) % 24, torch.arange(b).unsqueeze(1).expand(b, t).contiguous() % 7))
    return Case(name, net, sets, ["y", "hour", "weekday"], ["filled"], opset,
                axes(y="batch,time", hour="batch,time", weekday="batch,time", filled="batch,time"))


def all_cases():
    f = "temporal/"
    for opset in (9, 13, 17):
        yield plain(f"{f}tcn_opset{opset}", temporal.TCN, 3, 6, 2 + opset % 2, 3, 4, shape=(12, 3), lengths=(12, 17),
                    y="batch,", seed=opset, opset=opset, normalised=opset != 13)
        yield plain(f"{f}dlinear_opset{opset}", temporal.DLinear, 16, 6, 3, 5, shape=(16, 3), seed=opset, opset=opset)
        yield plain(f"{f}lstnet_opset{opset}", temporal.LSTNet, 3, 20, 5, 3, 6, 4, 2, 6, shape=(20, 3), y="batch,", seed=opset,
                    opset=opset)
    yield plain(f"{f}dlinear_individual", temporal.DLinear, 12, 4, 3, 7, True, shape=(12, 3), seed=21, opset=15)
    yield plain(f"{f}nlinear", temporal.NLinear, 12, 5, shape=(12, 2), seed=22, opset=14)
    yield plain(f"{f}wavenet", temporal.WaveNet, 2, 5, 4, shape=(14, 2), lengths=(14, 9), y="batch,time", seed=23)
    yield plain(f"{f}wavenet_opset11", temporal.WaveNet, 3, 4, 3, shape=(14, 3), lengths=(14, 20), y="batch,time", seed=24, opset=11)
    yield plain(f"{f}nbeats", temporal.NBeats, 12, 8, 10, (4, 2, 1), shape=(12,), y="batch,", seed=25, opset=13)
    yield plain(f"{f}segrnn", temporal.SegRNN, 12, 8, 3, 4, 6, shape=(12, 3), seed=26, opset=16)
    yield tide(f"{f}tide")
    yield grn(f"{f}grn", False, opset=13)
    yield grn(f"{f}grn_context", True, opset=17)
    yield variable_selection(f"{f}variable_selection", opset=13)
    yield variable_selection(f"{f}variable_selection_opset17", seed=27)
    yield tft(f"{f}tft")
    yield tft(f"{f}tft_opset13", seed=28, opset=13)
    yield deepar(f"{f}deepar_einsum")
    yield deepar(f"{f}deepar_student_opset13", student=True, seed=29, opset=13)
    yield deepar(f"{f}deepar_matmul_opset9", einsum=False, seed=30, opset=9)
    yield negative_binomial(f"{f}negative_binomial", opset=14)
    yield mixture(f"{f}mixture", opset=15)
    yield embed_topk(f"{f}embed_topk")
    yield embed_topk(f"{f}embed_topk_opset9", k=1, seed=31, opset=9)
    yield embed_topk(f"{f}embed_topk_opset11", k=4, seed=32, opset=11)
    yield sparse_attention(f"{f}sparse_attention")
    yield sparse_attention(f"{f}sparse_attention_opset11", seed=33, opset=11)
    yield sparse_attention(f"{f}prob_sparse_attention", heads.ProbSparse, seed=34)
    yield sparse_attention(f"{f}prob_sparse_attention_opset9", heads.ProbSparse, seed=35, opset=9)
    yield calendar(f"{f}calendar_missing")


if __name__ == "__main__":
    write_all(__doc__, all_cases())
