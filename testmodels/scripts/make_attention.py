"""attention/ and transformer/: heads, masks, encoders, forecasters and language models built on them, by torch 1.13."""

import torch

from nets import attention, language, transformer
from torch_export import Case, axes, build, noise, write_all


def self_attention(name, make, *args, width=8, sizes=((2, 5), (3, 7)), seed=1, opset=17):
    net = build(seed, make, width, *args)
    sets = [(noise(seed + b, b, t, width),) for b, t in sizes]
    outputs = ["y", "weights"] if make is attention.Causal else ["y"]
    return Case(name, net, sets, ["x"], outputs, opset,
                axes(x="batch,time,", y="batch,time,", weights="batch,,time,time"))


def cross_attention(name, heads=2, width=8, steps=(4, 6), batch=2, dynamic=True, seed=2, opset=17, **options):
    """nn.MultiheadAttention, time first; the exporter keeps its batch and lengths dynamic or bakes them."""
    net = build(seed, attention.Torch, width, heads, **options)
    q, k = steps
    sizes = [(q, k, batch), (q + 1, k + 2, batch + 1)] if dynamic else [(q, k, batch)]
    sets = [(noise(seed + a, a, n, width), noise(seed + b + 90, b, n, width)) for a, b, n in sizes]
    outputs = ["y", "weights"] if net.need_weights else ["y"]
    return Case(name, net, sets, ["query", "key"], outputs, opset,
                axes(query="q,batch,", key="k,batch,", y="q,batch,", weights="batch,q,k") if dynamic else {})


def additive(name, seed=3, opset=13):
    net = build(seed, attention.Additive, 5, 6, 7)
    sets = [(noise(seed + b, b, 5), noise(seed + b + 9, b, t, 6)) for b, t in ((2, 4), (1, 9))]
    return Case(name, net, sets, ["query", "keys"], ["context", "weights"], opset,
                axes(query="batch,", keys="batch,time,", context="batch,", weights="batch,time"))


def encoder(name, activation, pre_norm, causal=False, features=3, width=8, heads=2, layers=2, horizon=4, seed=4, opset=17):
    net = build(seed, transformer.Encoder, features, width, heads, layers, horizon, activation, pre_norm, causal)
    sets = [(noise(seed + b, b, t, features),) for b, t in ((2, 6), (1, 9))]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="batch,time,", y="batch,"))


def torch_encoder(name, seed=5, opset=17, dynamic=True, **options):
    net = build(seed, transformer.TorchEncoder, 3, 8, 2, 2, **options)
    sizes = ((2, 6), (3, 4)) if dynamic else ((2, 6),)
    sets = [(noise(seed + b, b, t, 3),) for b, t in sizes]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="a,b,", y="a,b,") if dynamic else {})



def words(seed, *shape, below):
    return torch.randint(0, below, shape, generator=torch.Generator().manual_seed(seed))


def bert(name, seed=6, opset=14):
    net = build(seed, language.Bert, 20, 12, 8, 2, 2)
    sets = []
    for b, t in (2, 5), (1, 8):
        mask = torch.ones(b, t, dtype=torch.int64)
        mask[-1, -2:] = 0
        sets.append((words(seed + b, b, t, below=20), mask, words(seed + t, b, t, below=2)))
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    return Case(name, net, sets, inputs, ["hidden", "pooled"], opset, axes(**{n: "batch,time" for n in inputs}, hidden="batch,time,", pooled="batch,"))


def gpt(name, seed=7, opset=14):
    net = build(seed, language.Gpt, 20, 12, 8, 2, 2)
    sets = []
    for b, t, p in (2, 4, 3), (1, 1, 6), (3, 5, 0):
        past = [noise(seed + p + i, 2, b, 2, p, 4) for i in range(2)]
        sets.append((words(seed + b, b, t, below=20), torch.arange(p, p + t).repeat(b, 1), *past))
    cache = {f"{n}_{i}": f",batch,,{n}_time," for n in ("past", "present") for i in range(2)}
    return Case(name, net, sets, ["input_ids", "position_ids", "past_0", "past_1"], ["hidden", "present_0", "present_1"], opset,
                axes(input_ids="batch,time", position_ids="batch,time", hidden="batch,time,", **cache))


def patch_tst(name, channels=3, seed=6, opset=17):
    net = build(seed, transformer.PatchTST, 24, 6, 3, 8, 2, 1, 5)
    sets = [(5 + 2 * noise(seed + b, b, 24, channels),) for b in (2, 3)]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="batch,,", y="batch,,"))


def itransformer(name, seed=7, opset=17):
    net = build(seed, transformer.ITransformer, 12, 8, 2, 1, 4)
    sets = [(noise(seed + b, b, 12, c),) for b, c in ((2, 3), (1, 5))]
    return Case(name, net, sets, ["x"], ["y"], opset, axes(x="batch,,series", y="batch,,series"))


def all_cases():
    f = "attention/"
    yield self_attention(f"{f}causal", attention.Causal, 2)
    yield self_attention(f"{f}causal_one_head_opset14", attention.Causal, 1, seed=11, opset=14)
    yield self_attention(f"{f}causal_buffer", attention.CausalBuffer, 4, 16)
    yield self_attention(f"{f}causal_buffer_opset11", attention.CausalBuffer, 2, 16, seed=12, opset=11)
    yield self_attention(f"{f}causal_buffer_opset10", attention.CausalBuffer, 4, 16, seed=34, opset=10)
    yield self_attention(f"{f}causal_einsum", attention.CausalEinsum, 2, seed=13)
    yield self_attention(f"{f}causal_einsum_opset14", attention.CausalEinsum, 4, seed=14, opset=14)
    yield cross_attention(f"{f}multihead")
    yield cross_attention(f"{f}multihead_opset12", heads=4, seed=15, opset=12)
    yield cross_attention(f"{f}multihead_fixed_shape", heads=8, dynamic=False, seed=16, opset=9)
    yield cross_attention(f"{f}multihead_without_weights", need_weights=False, seed=17, opset=14)
    yield cross_attention(f"{f}multihead_no_bias", bias=False, seed=18, opset=16)
    yield cross_attention(f"{f}multihead_added_key", add_bias_kv=True, add_zero_attn=True, seed=19, opset=15)
    yield additive(f"{f}additive")
    yield additive(f"{f}additive_opset9", seed=20, opset=9)

    f = "transformer/"
    yield encoder(f"{f}relu_post_norm", "relu", False)
    yield encoder(f"{f}relu_pre_norm_opset13", "relu", True, seed=21, opset=13)
    yield encoder(f"{f}gelu_post_norm_opset11", "gelu", False, seed=22, opset=11)
    yield encoder(f"{f}gelu_pre_norm", "gelu", True, seed=23)
    yield encoder(f"{f}gelu_pre_norm_opset10", "gelu", True, heads=4, seed=24, opset=10)
    yield encoder(f"{f}gelu_causal_opset15", "gelu", True, causal=True, seed=25, opset=15)
    yield encoder(f"{f}relu_causal", "relu", False, causal=True, seed=26)
    yield encoder(f"{f}silu_pre_norm_opset16", "silu", True, seed=27, opset=16)
    yield torch_encoder(f"{f}torch_relu")
    yield torch_encoder(f"{f}torch_gelu_norm_first", activation="gelu", norm_first=True, batch_first=True, seed=28, opset=14)
    yield torch_encoder(f"{f}torch_relu_fixed_shape", dynamic=False, batch_first=True, seed=29, opset=12)
    yield torch_encoder(f"{f}torch_gelu_opset9", activation="gelu", dynamic=False, seed=32, opset=9)
    yield bert(f"{f}bert")
    yield gpt(f"{f}gpt_past")
    yield patch_tst(f"{f}patch_tst")
    yield patch_tst(f"{f}patch_tst_opset12", channels=1, seed=30, opset=12)
    yield itransformer(f"{f}itransformer")
    yield itransformer(f"{f}itransformer_opset13", seed=31, opset=13)


if __name__ == "__main__":
    write_all(__doc__, all_cases())
