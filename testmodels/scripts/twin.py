"""A PyTorch twin of package lstmattn, for whoever wants its models in Python and for the check that both agree.

    net = twin.load("model_directory")      # config.json and model.safetensors
    forecast, weights = net(x)              # x (B, input_size, num_features), raw values
    net.numbers                             # (B, horizon, num_features, K): what the head gives, normalised
    net.beside                              # quantiles, scale and df beside the forecast, by name, in the data's unit

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

    def covariates(self, kind, n):
        if n:
            self.register_buffer(kind + "_mean", torch.zeros(n))
            self.register_buffer(kind + "_scale", torch.ones(n))

    def scaled(self, kind, values):
        return (values - getattr(self, kind + "_mean")) / getattr(self, kind + "_scale")


class LSTMAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.features, hidden = config["num_features"], config["hidden_size"]
        self.encoder_layers, self.decoder_layers = config["num_encoder_layers"], config["num_decoder_layers"]
        self.bidirectional, self.horizon = config["bidirectional"], config["horizon"]
        self.normalization = config.get("normalization", "none")
        self.segment, self.folded = config.get("segment", 1), config.get("channels", "mixed") == "folded"
        self.direct, self.hidden = config.get("decoding", "autoregressive") == "direct", hidden
        self.columns, channel = 1 if self.folded else self.features, config.get("channel_embedding", 0)
        memory, width = hidden * (2 if self.bidirectional else 1), self.segment * self.columns
        self.scaler = Scaler(self.features)
        past, future, static = (config.get("num_" + kind, 0) for kind in ("past", "future", "static"))
        for kind, n in (("past", past), ("future", future), ("static", static)):
            self.scaler.covariates(kind, n)
        self.levels = config.get("quantiles")
        self.K = {"point": 1, "gaussian": 2, "student_t": 3}.get(config.get("head", "point")) or len(self.levels)
        known = self.segment * future + static
        self.embed = nn.Linear(width, hidden) if self.segment > 1 else None
        read = hidden if self.embed else width
        self.encoder = nn.LSTM(read + self.segment * past + known, hidden, self.encoder_layers, bidirectional=self.bidirectional, batch_first=True)
        if self.bidirectional:
            self.bridge_h = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in range(self.decoder_layers))
            self.bridge_c = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in range(self.decoder_layers))
        looks = config.get("attention", True)
        if self.direct:
            self.position_embedding = nn.Embedding(-(-self.horizon // self.segment), hidden - channel)
        self.channel_embedding = nn.Embedding(self.features, channel) if channel else None
        decoder_input = known + (hidden if self.direct else read + channel + (hidden if looks else 0))
        self.decoder = nn.LSTM(decoder_input, hidden, self.decoder_layers, batch_first=True)
        heads = config["num_attention_heads"]
        self.attention = nn.MultiheadAttention(hidden, heads, kdim=memory, vdim=memory, batch_first=True) if looks else None
        self.norm = nn.LayerNorm(hidden) if config["layer_norm"] else nn.Identity()
        self.output = nn.Linear(hidden, width * self.K)
        self.skip = nn.Linear(config["input_size"], self.horizon) if config.get("linear_skip") else None

    forced = None  # a list of truth values: after which steps the target is read, rather than after all

    def forward(self, x, horizon=None, target=None, past=None, future=None, static=None):
        """Returns the forecast (B, horizon, F) and the attention weights (B, heads, horizon, L), None without attention.

        With a target (B, horizon, F) of raw values each step after the first reads the target's segment before
        it in place of its own: teacher forcing. past (B, L, .), future (B, L + horizon, .) and static (B, .) are the
        covariates, raw.
        """
        horizon = horizon or self.horizon
        before, ahead = self.covariates(x.shape[1], horizon, past, future, static)
        z = (x - self.scaler.mean) / self.scaler.scale
        shift, spread = self.window(z)
        n = (z - shift) / spread
        segments = self.split(n)
        memory, (h, c) = self.encoder(torch.cat([self.read(segments)] + before, -1))
        state = self.bridge(h, c)
        channel = None
        if self.channel_embedding:
            channel = self.channel_embedding.weight.repeat(x.shape[0], 1).unsqueeze(1)  # (N, 1, C)
        if target is not None:
            target = self.split(((target - self.scaler.mean) / self.scaler.scale - shift) / spread)
        skip = self.skip(n.transpose(1, 2)).transpose(1, 2) if self.skip else None  # (B, config's horizon, F)
        decode = self.at_once if self.direct else self.step_by_step
        self.numbers, weights = decode(segments[:, -1:], channel, memory, state, horizon, target, skip, ahead)
        numbers = self.numbers.sort(-1).values if self.levels else self.numbers
        forecast = (self.point(numbers) * spread + shift) * self.scaler.scale + self.scaler.mean
        self.beside = self.uncertainty(numbers, shift.unsqueeze(-1), spread.unsqueeze(-1))
        return forecast, None if weights is None else self.spread_weights(weights, horizon)

    def uncertainty(self, numbers, shift, spread):
        """What a head tells beside the point forecast, from numbers (B, horizon, F, K)."""
        mean, scale = self.scaler.mean.unsqueeze(-1), self.scaler.scale.unsqueeze(-1)
        if self.levels:
            return {"quantiles": (numbers * spread + shift) * scale + mean}
        beside = {}
        if self.K > 1:
            beside["scale"] = ((0.001 + nn.functional.softplus(numbers[..., 1:2])) * spread * scale).squeeze(-1)
        if self.K > 2:
            beside["df"] = 2 + nn.functional.softplus(numbers[..., 2])
        return beside

    def covariates(self, L, horizon, past, future, static):
        """Lists of what joins the segments of the encoder (N, S, .) and of the decoder (N, M, .)."""
        before, ahead = [], []

        def add(to, values):
            values = nn.functional.pad(values, (0, 0, 0, -values.shape[1] % self.segment))
            values = values.reshape(values.shape[0], -1, self.segment * values.shape[2])
            to.append(values.repeat_interleave(self.features // self.columns, 0))

        if past is not None:
            add(before, self.scaler.scaled("past", past))
        if future is not None:
            future = self.scaler.scaled("future", future)
            add(before, future[:, :L])
            add(ahead, future[:, L:])
        if static is not None:
            static = self.scaler.scaled("static", static).repeat_interleave(self.features // self.columns, 0).unsqueeze(1)
            before.append(static.expand(-1, L // self.segment, -1))
            ahead.append(static.expand(-1, -(-horizon // self.segment), -1))
        return before, ahead

    def point(self, numbers):
        """The point forecast of numbers (..., K): the first, or of quantiles the median, between its neighbours in proportion."""
        if not self.levels:
            return numbers[..., 0]
        hi = next((k for k, level in enumerate(self.levels) if level >= 0.5), len(self.levels) - 1)
        lo = max(hi - 1, 0)
        if self.levels[hi] <= 0.5 or self.levels[lo] >= 0.5:
            return numbers[..., hi if self.levels[hi] <= 0.5 else lo]
        part = (0.5 - self.levels[lo]) / (self.levels[hi] - self.levels[lo])
        return numbers[..., lo] + part * (numbers[..., hi] - numbers[..., lo])

    def moved(self, numbers, skip):
        """numbers (..., K) with the linear skip added to those that are values."""
        if self.levels or self.K == 1:
            return numbers + skip.unsqueeze(-1)
        return torch.cat([numbers[..., :1] + skip.unsqueeze(-1), numbers[..., 1:]], -1)

    def split(self, n):
        """(N, steps / P, P * W) of (B, steps, F): sequences of segments, the last filled up with zeros."""
        n = nn.functional.pad(n, (0, 0, 0, -n.shape[1] % self.segment))
        if self.folded:
            n = n.transpose(1, 2).reshape(-1, n.shape[1], 1)
        return n.reshape(n.shape[0], -1, self.segment * self.columns)

    def join(self, segments, horizon):
        """(B, horizon, F, K) of (N, M, P * W, K)."""
        steps = segments.reshape(segments.shape[0], -1, self.columns, self.K)
        if self.folded:
            steps = steps.reshape(-1, self.features, steps.shape[1], self.K).transpose(1, 2)
        return steps[:, :horizon]

    def read(self, segments):
        return torch.relu(self.embed(segments)) if self.embed else segments

    def step_by_step(self, prev, channel, memory, state, horizon, target, skip, ahead):
        context = prev.new_zeros(prev.shape[0], 1, self.hidden)
        if skip is not None:
            skip = self.split(skip[:, :horizon])
        steps, weights = [], []
        for m in range(-(-horizon // self.segment)):
            known = [part[:, m:m + 1] for part in ahead]
            parts = [self.read(prev), channel, *known, context if self.attention else None]
            q, state = self.decoder(torch.cat([p for p in parts if p is not None], -1), state)
            if self.attention:
                context, w = self.attention(q, memory, memory, average_attn_weights=False)
                weights.append(w)
                q = q + context
            y = self.output(self.norm(q))
            y = y.reshape(*y.shape[:2], -1, self.K)
            if skip is not None:
                y = self.moved(y, skip[:, m:m + 1])
            steps.append(y)
            prev = self.point(y) if target is None or self.forced and not self.forced[m] else target[:, m:m + 1]
        return self.join(torch.cat(steps, 1), horizon), torch.cat(weights, 2) if weights else None

    def at_once(self, prev, channel, memory, state, horizon, target, skip, ahead):
        count, rows = -(-horizon // self.segment), memory.shape[0]
        x = self.position_embedding.weight[:count].repeat(rows, 1).unsqueeze(1)  # (N * M, 1, .)
        if channel is not None:
            x = torch.cat([x, channel.repeat_interleave(count, 0)], -1)
        x = torch.cat([x] + [part.reshape(rows * count, 1, -1) for part in ahead], -1)
        q, _ = self.decoder(x, tuple(s.repeat_interleave(count, 1) for s in state))
        q, weights = q.reshape(rows, count, self.hidden), None
        if self.attention:
            context, weights = self.attention(q, memory, memory, average_attn_weights=False)
            q = q + context
        y = self.join(self.output(self.norm(q)), horizon)
        return y if skip is None else self.moved(y, skip[:, :horizon]), weights

    def spread_weights(self, weights, horizon):
        """(B, heads, horizon, L) of (N, heads, M, S): columns averaged, each step with its segment's weights and share."""
        weights = weights.reshape(-1, self.features // self.columns, *weights.shape[1:]).mean(1)
        weights = weights.repeat_interleave(self.segment, 2)[:, :, :horizon]
        return weights.repeat_interleave(self.segment, 3) / self.segment

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
