"""Attention of the kinds forecasters use: heads over a sequence, additive, with and without a mask."""

import math

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention with q, k, v and output projections. Returns (output, weights (B, heads, Q, K))."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, self.size).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        q, k, v = self.split(self.q(query)), self.split(self.k(key)), self.split(self.v(value))
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.size)
        if mask is not None:
            scores = scores.masked_fill(mask, float("-inf"))
        weights = torch.softmax(scores, -1)
        y = (weights @ v).transpose(1, 2).reshape(query.shape[0], query.shape[1], self.heads * self.size)
        return self.out(y), weights


class Causal(nn.Module):
    """Self-attention in which no step sees a later one; the mask is made for the length at hand."""

    def __init__(self, width, heads):
        super().__init__()
        self.attention = MultiHeadAttention(width, heads)

    def forward(self, x):
        steps = x.shape[1]
        mask = torch.triu(torch.ones(steps, steps, dtype=torch.bool, device=x.device), diagonal=1)
        return self.attention(x, x, x, mask)


class CausalBuffer(nn.Module):
    """The same with the mask cut from a buffer, as in GPT-like code, and q, k, v from one Linear."""

    def __init__(self, width, heads, longest):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.register_buffer("mask", torch.tril(torch.ones(longest, longest)).view(1, 1, longest, longest))

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = self.qkv(x).split(c, dim=2)
        q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in (q, k, v))
        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        scores = scores.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
        y = (scores.softmax(-1) @ v).transpose(1, 2).contiguous().view(b, t, c)
        return self.out(y)


class CausalEinsum(nn.Module):
    """The same with Einsum for both products and an additive mask."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (nn.Linear(width, width, bias=False) for _ in range(3))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (f(x).view(b, t, self.heads, c // self.heads) for f in (self.q, self.k, self.v))
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(c // self.heads)
        scores = scores + torch.full((t, t), -1e9).triu(1)
        return torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), v).reshape(b, t, c)


class Torch(nn.Module):
    """nn.MultiheadAttention; need_weights returns the weights averaged over the heads."""

    def __init__(self, width, heads, need_weights=True, **options):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, **options)
        self.need_weights = need_weights

    def forward(self, query, key):
        y, weights = self.attention(query, key, key, need_weights=self.need_weights)
        return (y, weights) if self.need_weights else y


class Additive(nn.Module):
    """Bahdanau's score v.tanh(Wq + Uk) over the encoder's outputs."""

    def __init__(self, query, key, width):
        super().__init__()
        self.w, self.u, self.v = nn.Linear(query, width), nn.Linear(key, width, bias=False), nn.Linear(width, 1, bias=False)

    def forward(self, query, keys):
        scores = self.v(torch.tanh(self.w(query).unsqueeze(1) + self.u(keys))).squeeze(-1)
        weights = torch.softmax(scores, -1)
        return torch.bmm(weights.unsqueeze(1), keys).squeeze(1), weights


class General(nn.Module):
    """Luong's general score qWk over the encoder's outputs."""

    def __init__(self, query, key):
        super().__init__()
        self.w = nn.Linear(query, key, bias=False)

    def forward(self, query, keys):
        weights = torch.softmax(torch.bmm(keys, self.w(query).unsqueeze(2)).squeeze(2), dim=1)
        return torch.einsum("bt,btd->bd", weights, keys), weights
