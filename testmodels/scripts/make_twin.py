"""twin/: models of package lstmattn as PyTorch builds, saves, runs and differentiates them (torch 1.13, safetensors).

A folder has config.json and model.safetensors, golden.safetensors with x (B, L, F), target (B, T, F), what PyTorch
makes of them (forecast, attention, and forced: the forecast under teacher forcing) and the losses (loss, forced_loss:
the mean squared error in scaled units), and the losses' gradients by parameter in gradient.safetensors and
forced_gradient.safetensors.
"""

import json
import shutil

import torch
from safetensors.torch import save_file

import cases
from torch_export import build, noise
from twin import LSTMAttention

DEFAULTS = {
    "format_version": 1, "model_type": "lstm_attention", "input_size": 9, "horizon": 4, "num_features": 2, "hidden_size": 4,
    "num_encoder_layers": 2, "num_decoder_layers": 2, "num_attention_heads": 2, "bidirectional": True, "layer_norm": True,
    "normalization": "mean_std", "dropout": 0.0, "teacher_forcing_ratio": 0.5, "grad_clip": 1.0,
}
MODELS = {
    "both_ways": {},
    "one_way": {"bidirectional": False, "normalization": "last", "num_attention_heads": 4},
    "deeper_decoder": {"num_encoder_layers": 1, "num_decoder_layers": 3, "normalization": "robust", "num_features": 3},
    "deeper_encoder": {"num_encoder_layers": 3, "num_decoder_layers": 1, "layer_norm": False, "normalization": "none"},
    "one_way_plain": {"bidirectional": False, "num_encoder_layers": 1, "num_decoder_layers": 2, "layer_norm": False,
                      "num_features": 1, "num_attention_heads": 1, "normalization": "robust", "input_size": 6},
    "segments": {"input_size": 8, "horizon": 3, "segment": 2, "channels": "folded", "channel_embedding": 2, "decoding": "direct",
                 "linear_skip": True, "num_features": 3},
    "segments_fed_back": {"input_size": 8, "horizon": 5, "segment": 4, "linear_skip": True, "bidirectional": False, "normalization": "last"},
}


def write(name, seed, out):
    config = {**DEFAULTS, **MODELS[name]}
    net = build(seed, LSTMAttention, config)
    features, batch = config["num_features"], 3
    with torch.no_grad():
        for value in net.parameters():  # wider than the usual start, so that every part matters
            value.mul_(1.5).add_(0.2 * noise(seed + value.numel(), *value.shape))
        net.scaler.mean.copy_(5 + noise(seed + 1, features))
        net.scaler.scale.copy_(1 + noise(seed + 2, features).abs())
    x = 5 + 2 * noise(seed + 3, batch, config["input_size"], features)
    target = 5 + 2 * noise(seed + 4, batch, config["horizon"], features)
    folder = out / "twin" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    golden = {"x": x, "target": target}
    for key, given in (("", None), ("forced_", target)):
        net.zero_grad()
        forecast, attention = net(x, target=given)
        loss = (((forecast - target) / net.scaler.scale) ** 2).mean()
        loss.backward()
        golden.update({"forced": forecast} if given is not None else {"forecast": forecast, "attention": attention})
        golden[key + "loss"] = loss.reshape(1)
        gradient = {n: p.grad for n, p in net.named_parameters()}
        gradient.update({"scaler.mean": net.scaler.mean, "scaler.scale": net.scaler.scale})
        save(gradient, folder / f"{key}gradient.safetensors")
    save(golden, folder / "golden.safetensors")
    save(net.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def save(tensors, path):
    save_file({n: t.detach().contiguous().clone() for n, t in tensors.items()}, str(path))
    path.chmod(0o644)


if __name__ == "__main__":
    asked = cases.arguments(__doc__)
    for i, name in enumerate(MODELS):
        if asked.only in name:
            write(name, 100 + i, asked.out)
