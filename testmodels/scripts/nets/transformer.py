"""Transformer encoders and forecasters built on them."""

import math

import torch
from torch import nn

from nets.attention import MultiHeadAttention

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}


class EncoderLayer(nn.Module):
    """One layer, normalised after (the 2017 paper) or before (GPT-2) each block."""

    def __init__(self, width, heads, inner, activation="relu", pre_norm=False):
        super().__init__()
        self.attention = MultiHeadAttention(width, heads)
        self.inner = nn.Sequential(nn.Linear(width, inner), ACTIVATIONS[activation](), nn.Linear(inner, width))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.pre_norm = pre_norm

    def forward(self, x, mask=None):
        if self.pre_norm:
            z = self.norm1(x)
            x = x + self.attention(z, z, z, mask)[0]
            return x + self.inner(self.norm2(x))
        x = self.norm1(x + self.attention(x, x, x, mask)[0])
        return self.norm2(x + self.inner(x))


class Encoder(nn.Module):
    """Input projection, sinusoidal positions, layers; causal if asked; the last step through a linear head."""

    def __init__(self, features, width, heads, layers, horizon, activation="relu", pre_norm=False, causal=False, longest=32):
        super().__init__()
        self.project = nn.Linear(features, width)
        self.register_buffer("positions", sinusoids(longest, width))
        self.layers = nn.ModuleList(EncoderLayer(width, heads, 2 * width, activation, pre_norm) for _ in range(layers))
        self.norm = nn.LayerNorm(width) if pre_norm else nn.Identity()
        self.head = nn.Linear(width, horizon)
        self.causal = causal

    def forward(self, x):
        steps = x.shape[1]
        y = self.project(x) + self.positions[:steps]
        mask = torch.triu(torch.ones(steps, steps, dtype=torch.bool), 1) if self.causal else None
        for layer in self.layers:
            y = layer(y, mask)
        return self.head(self.norm(y)[:, -1])


class TorchEncoder(nn.Module):
    """nn.TransformerEncoder as it comes."""

    def __init__(self, features, width, heads, layers, **options):
        super().__init__()
        self.project = nn.Linear(features, width)
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.1, **options)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.encoder(self.project(x)))


class PatchTST(nn.Module):
    """Instance normalisation, overlapping patches by unfold, channels in the batch, encoder, flattened head.

    The end is padded by ReplicationPad1d or, since torch 1.13 does not export that before unfold, by joining copies."""

    def __init__(self, lookback, patch, stride, width, heads, layers, horizon, replicate=False):
        super().__init__()
        self.patch, self.stride, self.horizon = patch, stride, horizon
        patches = (lookback - patch) // stride + 2
        self.pad = nn.ReplicationPad1d((0, stride)) if replicate else None
        self.embed = nn.Linear(patch, width)
        self.position = nn.Parameter(0.02 * torch.randn(1, patches, width))
        self.layers = nn.ModuleList(EncoderLayer(width, heads, 2 * width, "gelu") for _ in range(layers))
        self.head = nn.Linear(patches * width, horizon)

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        std = torch.sqrt(x.var(1, keepdim=True, unbiased=False) + 1e-5)
        z = ((x - mean) / std).transpose(1, 2)
        z = torch.cat([z, z[:, :, -1:].repeat(1, 1, self.stride)], -1) if self.pad is None else self.pad(z)
        z = z.unfold(2, self.patch, self.stride)
        batch, channels, patches, _ = z.shape
        z = self.embed(z).reshape(batch * channels, patches, -1) + self.position
        for layer in self.layers:
            z = layer(z)
        y = self.head(z.flatten(1)).reshape(batch, channels, self.horizon)
        return y.transpose(1, 2) * std + mean


class ITransformer(nn.Module):
    """iTransformer: each series is a token, attention goes over the series."""

    def __init__(self, lookback, width, heads, layers, horizon):
        super().__init__()
        self.embed = nn.Linear(lookback, width)
        self.layers = nn.ModuleList(EncoderLayer(width, heads, 2 * width, "gelu") for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, horizon)

    def forward(self, x):
        last = x[:, -1:].detach()
        z = self.embed((x - last).permute(0, 2, 1))
        for layer in self.layers:
            z = layer(z)
        return self.head(self.norm(z)).permute(0, 2, 1) + last


def sinusoids(steps, width):
    position = torch.arange(steps).unsqueeze(1)
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    table = torch.zeros(steps, width)
    table[:, 0::2], table[:, 1::2] = torch.sin(position * rate), torch.cos(position * rate)
    return table
