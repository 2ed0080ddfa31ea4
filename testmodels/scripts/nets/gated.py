"""The gates of the Temporal Fusion Transformer, and a small one of them."""

import torch
import torch.nn.functional as F
from torch import nn

from nets.attention import MultiHeadAttention


class GRN(nn.Module):
    """Gated residual network: ELU, linear, GLU, residual, LayerNorm; optionally with a context."""

    def __init__(self, inputs, hidden, outputs, context=0):
        super().__init__()
        self.first, self.second = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden)
        self.context = nn.Linear(context, hidden, bias=False) if context else None
        self.gate = nn.Linear(hidden, 2 * outputs)
        self.skip = nn.Linear(inputs, outputs) if inputs != outputs else nn.Identity()
        self.norm = nn.LayerNorm(outputs)

    def forward(self, x, context=None):
        h = self.first(x)
        if self.context is not None and context is not None:
            h = h + self.context(context)
        h = self.second(F.elu(h))
        return self.norm(F.glu(self.gate(h), dim=-1) + self.skip(x))


class VariableSelection(nn.Module):
    """Weights over the variables by a GRN on all of them, a GRN each for their embeddings."""

    def __init__(self, variables, width, context=0):
        super().__init__()
        self.embed = nn.ModuleList(nn.Linear(1, width) for _ in range(variables))
        self.each = nn.ModuleList(GRN(width, width, width) for _ in range(variables))
        self.weigh = GRN(variables * width, width, variables, context)

    def forward(self, x, context=None):
        parts = [f(x[..., i:i + 1]) for i, f in enumerate(self.embed)]
        weights = torch.softmax(self.weigh(torch.cat(parts, -1), context), -1).unsqueeze(-2)
        chosen = torch.stack([f(p) for f, p in zip(self.each, parts)], -1)
        return (chosen * weights).sum(-1), weights.squeeze(-2)


class TFT(nn.Module):
    """Static embedding, variable selection, LSTM encoder and decoder, gated skip, masked attention, quantiles."""

    def __init__(self, groups, past, known, width, heads, quantiles):
        super().__init__()
        self.static = nn.Embedding(groups, width)
        self.past, self.future = VariableSelection(past, width, width), VariableSelection(known, width, width)
        self.h0, self.c0 = GRN(width, width, width), GRN(width, width, width)
        self.encoder, self.decoder = nn.LSTM(width, width, batch_first=True), nn.LSTM(width, width, batch_first=True)
        self.gate, self.norm = nn.Linear(width, 2 * width), nn.LayerNorm(width)
        self.enrich = GRN(width, width, width, width)
        self.attention = MultiHeadAttention(width, heads)
        self.last = GRN(width, width, width)
        self.out = nn.Linear(width, quantiles)

    def forward(self, group, past, future):
        s = self.static(group)
        p, weights = self.past(past, s.unsqueeze(1))
        f, _ = self.future(future, s.unsqueeze(1))
        e, state = self.encoder(p, (self.h0(s).unsqueeze(0), self.c0(s).unsqueeze(0)))
        d, _ = self.decoder(f, state)
        y = self.norm(F.glu(self.gate(torch.cat([e, d], 1)), -1) + torch.cat([p, f], 1))
        y = self.enrich(y, s.unsqueeze(1))
        total, horizon = y.shape[1], future.shape[1]
        earlier = torch.arange(total).unsqueeze(0) > torch.arange(total - horizon, total).unsqueeze(1)
        a, _ = self.attention(y[:, -horizon:], y, y, earlier)
        return self.out(self.last(a)), weights
