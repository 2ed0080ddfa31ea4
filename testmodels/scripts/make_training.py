"""Makes lstmattn/testdata/golden: what PyTorch's autograd and AdamW make of the model in twin.py.

For each configuration a model directory with the parameters at first, gradient/ and after/ in the same form with
the gradient of the first loss and the parameters after ten steps, and golden.json with the windows, the targets,
the first forecast and the ten losses. The loss is the head's own: the mean square of the error over the column's
scale, the pinball loss or the likelihood of make_losses.py; steps clip
the gradient's norm at 1 and are AdamW's with learning rate 0.01.
"""

import argparse
import json
import pathlib

import torch
from safetensors.torch import save_file

import make_losses
import twin

BASE = {
    "format_version": 1, "model_type": "lstm_attention", "input_size": 9, "horizon": 4, "num_features": 2,
    "hidden_size": 6, "num_encoder_layers": 2, "num_decoder_layers": 2, "num_attention_heads": 3,
    "bidirectional": True, "layer_norm": True, "normalization": "none", "dropout": 0.0,
}
CASES = {
    "bidirectional": {},
    "unidirectional": {
        "bidirectional": False, "layer_norm": False, "normalization": "mean_std", "num_encoder_layers": 1, "num_features": 1,
    },
    "segments": {  # in the manner of SegRNN (Lin et al. 2023), with attention and a linear skip beside
        "input_size": 12, "horizon": 5, "segment": 3, "channels": "folded", "channel_embedding": 2, "decoding": "direct",
        "linear_skip": True, "normalization": "last", "bidirectional": False, "num_encoder_layers": 1, "num_decoder_layers": 1,
    },
    "segments_fed_back": {"input_size": 8, "horizon": 5, "segment": 2, "normalization": "robust"},
    "folded": {"channels": "folded", "channel_embedding": 3, "linear_skip": True, "attention": False, "normalization": "mean_std"},
    "student_t": {"head": "student_t", "num_past": 1, "num_future": 2, "num_static": 1, "normalization": "mean_std", "num_encoder_layers": 1},
    "quantiles": {
        "head": "quantile", "quantiles": [0.1, 0.5, 0.9], "num_future": 2, "input_size": 8, "horizon": 5, "segment": 2,
        "channels": "folded", "channel_embedding": 2, "decoding": "direct", "linear_skip": True, "normalization": "last",
    },
}


def save(folder, config, tensors):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file({k: v.detach().clone() for k, v in tensors.items()}, str(folder / "model.safetensors"), metadata={"format": "pt"})


def make(folder, config, seed):
    torch.manual_seed(seed)
    net = twin.LSTMAttention(config)
    features = config["num_features"]
    net.scaler.mean.copy_(torch.linspace(3.0, -1.0, features))
    net.scaler.scale.copy_(torch.linspace(2.0, 0.5, features))
    with torch.no_grad():  # away from the special values 0 and 1
        for p in net.parameters():
            p.mul_(1.5).add_(0.1 * torch.randn_like(p))
    buffers = dict(net.named_buffers())

    steps = torch.arange(config["input_size"] + config["horizon"]).reshape(1, -1, 1)
    phase = torch.rand(3, 1, features) * 6
    z = torch.sin(0.7 * steps + phase) + 0.3 * torch.randn(3, steps.shape[1], features)
    series = z * net.scaler.scale + net.scaler.mean
    x, target = series[:, : config["input_size"]], series[:, config["input_size"] :]

    covariates = {}
    for kind, length in (("past", config["input_size"]), ("future", steps.shape[1]), ("static", None)):
        n = config.get("num_" + kind, 0)
        if n:
            getattr(net.scaler, kind + "_mean").fill_(2.0)
            getattr(net.scaler, kind + "_scale").fill_(3.0)
            covariates[kind] = 2 + 3 * torch.randn(*([3, length, n] if length else [3, n]))
    save(folder, config, net.state_dict())

    def own(forecast):
        if net.K == 1:
            return (((forecast - target) / net.scaler.scale) ** 2).mean()
        shift, spread = net.window((x - net.scaler.mean) / net.scaler.scale)
        goal, unit = ((target - net.scaler.mean) / net.scaler.scale - shift) / spread, spread.expand(target.shape)
        return make_losses.LOSSES[config["head"]][1](net.numbers.movedim(-1, 0), goal, unit).mean()

    optimiser = torch.optim.AdamW(net.parameters(), lr=0.01)
    losses = []
    for step in range(10):
        optimiser.zero_grad()
        forecast = net(x, **covariates)[0]
        loss = own(forecast)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            first = forecast
            save(folder / "gradient", config, {n: p.grad for n, p in net.named_parameters()} | buffers)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
    save(folder / "after", config, net.state_dict())
    golden = {"x": x.flatten().tolist(), "target": target.flatten().tolist(), "forecast": first.flatten().tolist(), "losses": losses}
    golden |= {kind: values.flatten().tolist() for kind, values in covariates.items()}
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=top / "lstmattn" / "testdata" / "golden")
    out = parser.parse_args().out
    for seed, (name, change) in enumerate(CASES.items()):
        make(out / name, BASE | change, seed)
