"""A PyTorch twin of package lstmattn, for whoever wants its models in Python and for the check that both agree.

    net = twin.load("model_directory")      # config.json and model.safetensors
    forecast, weights = net(x)              # x (B, input_size, num_features), raw values

The package comment of lstmattn describes the model; the names here are those of the file's parameters, so
load_state_dict(strict=True) takes it as it is.
"""

import json
import pathlib

import torch
from safetensors.torch import load_file
from torch import nn


class Scaler(nn.Module):
    """Mean and scale of each column: buffers, no parameters."""

    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))


class LSTMAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        features, hidden = config["num_features"], config["hidden_size"]
        self.encoder_layers, self.decoder_layers = config["num_encoder_layers"], config["num_decoder_layers"]
        self.bidirectional, self.horizon = config["bidirectional"], config["horizon"]
        self.normalization = config.get("normalization", "none")
        memory = hidden * (2 if self.bidirectional else 1)
        self.scaler = Scaler(features)
        self.encoder = nn.LSTM(features, hidden, self.encoder_layers, bidirectional=self.bidirectional, batch_first=True)
        if self.bidirectional:
            self.bridge_h = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in range(self.decoder_layers))
            self.bridge_c = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in range(self.decoder_layers))
        self.decoder = nn.LSTM(features + hidden, hidden, self.decoder_layers, batch_first=True)
        self.attention = nn.MultiheadAttention(hidden, config["num_attention_heads"], kdim=memory, vdim=memory, batch_first=True)
        self.norm = nn.LayerNorm(hidden) if config["layer_norm"] else nn.Identity()
        self.output = nn.Linear(hidden, features)

    def forward(self, x, horizon=None, target=None):
        """Returns the forecast (B, horizon, F) and the attention weights (B, heads, horizon, L).

        With a target (B, horizon, F) of raw values each step after the first reads the target's value before
        it in place of its own: teacher forcing.
        """
        z = (x - self.scaler.mean) / self.scaler.scale
        shift, spread = self.window(z)
        n = (z - shift) / spread
        memory, (h, c) = self.encoder(n)
        state = self.bridge(h, c)
        prev, context = n[:, -1:], n.new_zeros(n.shape[0], 1, memory.shape[2] // (2 if self.bidirectional else 1))
        if target is not None:
            target = ((target - self.scaler.mean) / self.scaler.scale - shift) / spread
        steps, weights = [], []
        for t in range(horizon or self.horizon):
            q, state = self.decoder(torch.cat([prev, context], -1), state)
            context, w = self.attention(q, memory, memory, average_attn_weights=False)
            y = self.output(self.norm(q + context))
            steps.append(y)
            weights.append(w)
            prev = y if target is None else target[:, t:t + 1]
        forecast = torch.cat(steps, 1) * spread + shift
        return forecast * self.scaler.scale + self.scaler.mean, torch.cat(weights, 2)

    def window(self, z):
        """Shift and spread (B, 1, F) of each window by itself."""
        if self.normalization == "last":
            return z[:, -1:], torch.ones_like(z[:, -1:])
        if self.normalization == "mean_std":
            return z.mean(1, keepdim=True), z.std(1, unbiased=False, keepdim=True).clamp(min=0.01)
        if self.normalization == "robust":
            q25, q50, q75 = (torch.quantile(z, q, dim=1, keepdim=True) for q in (0.25, 0.5, 0.75))
            return q50, ((q75 - q25) / 1.349).clamp(min=0.01)
        if self.normalization == "none":
            return torch.zeros_like(z[:, :1]), torch.ones_like(z[:, :1])
        raise ValueError(f"normalization is {self.normalization!r}, want none, last, mean_std or robust")

    def bridge(self, h, c):
        """The decoder's initial state from the encoder's final one; the top layers face each other."""
        h0, c0 = [], []
        for k in range(self.decoder_layers):
            j = max(0, k + self.encoder_layers - self.decoder_layers)
            if self.bidirectional:
                h0.append(torch.tanh(self.bridge_h[k](torch.cat([h[2 * j], h[2 * j + 1]], -1))))
                c0.append(self.bridge_c[k](torch.cat([c[2 * j], c[2 * j + 1]], -1)))
            else:
                h0.append(h[j])
                c0.append(c[j])
        return torch.stack(h0), torch.stack(c0)


def load(folder):
    """The model of a directory that onda init, onda train or package export wrote."""
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    if config["model_type"] != "lstm_attention":
        raise ValueError(f"{folder}/config.json: model_type is {config['model_type']!r}, want 'lstm_attention'")
    net = LSTMAttention(config)
    net.load_state_dict(load_file(str(folder / "model.safetensors")), strict=True)
    return net.eval()
