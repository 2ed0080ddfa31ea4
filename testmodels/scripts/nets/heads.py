"""Embeddings, TopK, masks, Einsum and distribution heads."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class DeepAR(nn.Module):
    """LSTM on lagged, scaled targets with masks and a series embedding; mean and scale of a Normal or Student-t."""

    def __init__(self, groups, covariates, hidden, layers=2, student=False, einsum=True):
        super().__init__()
        self.group = nn.Embedding(groups, 3)
        self.cell = nn.LSTM(1 + 3 + covariates + 1, hidden, layers, batch_first=True, dropout=0.1)
        self.head = nn.Parameter(torch.randn(3 if student else 2, hidden) / math.sqrt(hidden))
        self.student, self.einsum = student, einsum

    def forward(self, y, observed, covariates, group):
        mask = observed.to(y.dtype)
        known = torch.where(observed, y, torch.zeros_like(y))
        scale = known.abs().sum(1, keepdim=True) / torch.clamp(mask.sum(1, keepdim=True), min=1.0)
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        g = self.group(group).unsqueeze(1).expand(-1, y.shape[1], -1)
        x = torch.cat([(known / scale).unsqueeze(-1), g, covariates, mask.unsqueeze(-1)], -1)
        h, _ = self.cell(x)
        theta = torch.einsum("bth,kh->kbt", h, self.head) if self.einsum else (h @ self.head.t()).permute(2, 0, 1)
        mean = theta[0] * scale
        deviation = F.softplus(theta[1]) * scale + 1e-6
        if self.student:
            return mean, deviation, 2.0 + F.softplus(theta[2])
        return mean, deviation


class NegativeBinomial(nn.Module):
    """GRU with a count head and its log-likelihood of the given targets, masked."""

    def __init__(self, features, hidden):
        super().__init__()
        self.cell = nn.GRU(features, hidden, batch_first=True)
        self.mu, self.alpha = nn.Linear(hidden, 1), nn.Linear(hidden, 1)

    def forward(self, x, count, mask):
        h, _ = self.cell(x)
        mu, alpha = F.softplus(self.mu(h)).squeeze(-1), torch.exp(self.alpha(h)).squeeze(-1)
        r = 1 / alpha
        p = torch.log(mu / (mu + r)) * count + torch.log1p(-mu / (mu + r)) * r
        p = p.masked_fill(~mask, 0.0)
        return mu, p.sum(1) / mask.sum(1)


class Mixture(nn.Module):
    """LSTM with a mixture of Gaussians: log-density of the targets by logsumexp."""

    def __init__(self, features, hidden, parts):
        super().__init__()
        self.cell = nn.LSTM(features, hidden, batch_first=True)
        self.theta = nn.Linear(hidden, 3 * parts)

    def forward(self, x, y):
        h, _ = self.cell(x)
        weight, mean, scale = self.theta(h).chunk(3, -1)
        scale = F.softplus(scale) + 1e-3
        z = (y.unsqueeze(-1) - mean) / scale
        density = F.log_softmax(weight, -1) - 0.5 * z ** 2 - scale.log() - 0.5 * math.log(2 * math.pi)
        return torch.logsumexp(density, -1), (F.softmax(weight, -1) * mean).sum(-1)


class EmbedTopK(nn.Module):
    """Category embeddings with LSTM; the k largest scores, their indices, and the embeddings found there."""

    def __init__(self, words, width, hidden, k):
        super().__init__()
        self.embed = nn.Embedding(words, width, padding_idx=0)
        self.cell = nn.LSTM(width, hidden, batch_first=True)
        self.out = nn.Linear(hidden, words)
        self.k = k

    def forward(self, tokens):
        h, _ = self.cell(self.embed(tokens))
        values, indices = torch.topk(self.out(h[:, -1]), self.k, dim=-1)
        return values, indices, self.embed(indices).mean(1)


class SparseAttention(nn.Module):
    """Attention only to the k best keys (scatter of -inf elsewhere), as LogSparse and Informer do."""

    def __init__(self, width, k):
        super().__init__()
        self.q, self.kv = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.k = k

    def forward(self, x):
        q = self.q(x)
        key, value = self.kv(x).chunk(2, -1)
        scores = q @ key.transpose(1, 2) / math.sqrt(x.shape[-1])
        best, where = scores.topk(self.k, dim=-1)
        kept = torch.full_like(scores, float("-inf")).scatter(-1, where, best)
        return torch.softmax(kept, -1) @ value


class ProbSparse(nn.Module):
    """Informer's attention: only the k most active queries attend, the others get the values' mean."""

    def __init__(self, width, k):
        super().__init__()
        self.q, self.key, self.v = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
        self.k = k

    def forward(self, x):
        q, key, v = self.q(x), self.key(x), self.v(x)
        scores = q @ key.transpose(1, 2)
        activity = scores.max(-1)[0] - scores.mean(-1)
        top = activity.topk(self.k, sorted=False)[1].sort(-1)[0]
        where = top.unsqueeze(-1).expand(-1, -1, x.shape[-1])
        best = torch.softmax(torch.gather(q, 1, where) @ key.transpose(1, 2) / math.sqrt(x.shape[-1]), -1) @ v
        return v.mean(1, keepdim=True).expand_as(v).clone().scatter(1, where, best)


class CalendarMasked(nn.Module):
    """Integer calendar features, one-hot and embedded; missing values forward-filled by index arithmetic."""

    def __init__(self, hidden):
        super().__init__()
        self.hour = nn.Embedding(24, 4)
        self.cell = nn.GRU(1 + 4 + 7 + 1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, y, hour, weekday):
        seen = ~torch.isnan(y)
        index = torch.arange(y.shape[1]).unsqueeze(0) * seen.to(torch.int64)
        earlier = torch.tril(torch.ones(y.shape[1], y.shape[1], dtype=torch.int64))
        last = (index.unsqueeze(1) * earlier).amax(-1)
        filled = torch.gather(torch.where(seen, y, torch.zeros_like(y)), 1, last)
        x = torch.cat([filled.unsqueeze(-1), self.hour(hour), F.one_hot(weekday, 7).to(y.dtype), seen.unsqueeze(-1).to(y.dtype)], -1)
        h, _ = self.cell(x)
        return self.out(h).squeeze(-1)
