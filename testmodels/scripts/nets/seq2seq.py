"""Encoder-decoder forecasters with attention, decoding step by step."""

from typing import List

import torch
from torch import nn

from nets.attention import Additive, General, MultiHeadAttention


class Seq2Seq(nn.Module):
    """LSTM encoder, bridge, LSTM decoder with multi-head attention over the encoder's outputs, LayerNorm, output.

    Autoregressive: each step is fed the step before it, the first one the last value seen. The Python loop
    is unrolled by tracing."""

    def __init__(self, features, hidden, layers, heads, horizon, bidirectional=True):
        super().__init__()
        self.layers, self.horizon = layers, horizon
        self.directions = 2 if bidirectional else 1
        self.encoder = nn.LSTM(features, hidden, layers, bidirectional=bidirectional, batch_first=True)
        self.memory = nn.Linear(hidden * self.directions, hidden)
        self.bridge_h = nn.Linear(hidden * self.directions, hidden)
        self.bridge_c = nn.Linear(hidden * self.directions, hidden)
        self.decoder = nn.LSTM(1, hidden, layers, batch_first=True)
        self.attention = MultiHeadAttention(hidden, heads)
        self.norm = nn.LayerNorm(hidden)
        self.out = nn.Linear(hidden, 1)

    def join(self, state):
        """(layers*directions, B, hidden) to (layers, B, directions*hidden)."""
        batch, hidden = state.shape[1], state.shape[2]
        state = state.view(self.layers, self.directions, batch, hidden)
        return state.transpose(1, 2).reshape(self.layers, batch, self.directions * hidden)

    def forward(self, x):
        y, (h, c) = self.encoder(x)
        memory = self.memory(y)
        state = torch.tanh(self.bridge_h(self.join(h))), self.bridge_c(self.join(c))
        step = x[:, -1:, :1]
        steps, weights = [], []
        for _ in range(self.horizon):
            d, state = self.decoder(step, state)
            context, w = self.attention(d, memory, memory)
            step = self.out(self.norm(d + context))
            steps.append(step)
            weights.append(w)
        return torch.cat(steps, 1), torch.cat(weights, 2)


class Seq2SeqTorch(nn.Module):
    """The same with nn.MultiheadAttention, and the context fed to the next step.

    Its trace cuts the packed weights into q and k, v again at every step, so each step projects the same keys and
    values with initialisers of its own once they are folded."""

    def __init__(self, features, hidden, layers, heads, horizon):
        super().__init__()
        self.layers, self.horizon = layers, horizon
        self.encoder = nn.LSTM(features, hidden, layers, bidirectional=True, batch_first=True)
        self.memory = nn.Linear(2 * hidden, hidden)
        self.bridge_h, self.bridge_c = nn.Linear(2 * hidden, hidden), nn.Linear(2 * hidden, hidden)
        self.decoder = nn.LSTM(1 + hidden, hidden, layers, batch_first=True)
        self.attention = nn.MultiheadAttention(hidden, heads, batch_first=True)
        self.norm = nn.LayerNorm(hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        y, (h, c) = self.encoder(x)
        memory = self.memory(y)
        h, c = (torch.cat([s[0::2], s[1::2]], -1) for s in (h, c))
        state = torch.tanh(self.bridge_h(h)), self.bridge_c(c)
        step, context = x[:, -1:, :1], memory.new_zeros(x.shape[0], 1, self.norm.normalized_shape[0])
        steps, weights = [], []
        for _ in range(self.horizon):
            d, state = self.decoder(torch.cat([step, context], -1), state)
            context, w = self.attention(d, memory, memory, average_attn_weights=False)
            step = self.out(self.norm(d + context))
            steps.append(step)
            weights.append(w)
        return torch.cat(steps, 1), torch.cat(weights, 2)


class AdditiveDecoder(nn.Module):
    """GRU encoder and GRU cell written out, Bahdanau's attention, the context fed to the cell."""

    def __init__(self, features, hidden, horizon):
        super().__init__()
        self.horizon = horizon
        self.encoder = nn.GRU(features, hidden, batch_first=True)
        self.attention = Additive(hidden, hidden, hidden)
        self.cell = nn.GRUCell(1 + hidden, hidden)
        self.out = nn.Linear(2 * hidden, 1)

    def forward(self, x):
        keys, h = self.encoder(x)
        h, step = h[-1], x[:, -1, :1]
        steps = []
        for _ in range(self.horizon):
            context, _ = self.attention(h, keys)
            h = self.cell(torch.cat([step, context], -1), h)
            step = step + self.out(torch.cat([h, context], -1))
            steps.append(step)
        return torch.stack(steps, 1)


class GeneralDecoder(nn.Module):
    """LSTM with Luong's attention over a decoder that runs all steps at once on known future covariates."""

    def __init__(self, features, known, hidden):
        super().__init__()
        self.encoder = nn.LSTM(features, hidden, batch_first=True)
        self.decoder = nn.LSTM(known, hidden, batch_first=True)
        self.attention = General(hidden, hidden)
        self.out = nn.Linear(2 * hidden, 2)

    def forward(self, past, future):
        keys, state = self.encoder(past)
        d, _ = self.decoder(future, state)
        contexts = [self.attention(d[:, t], keys)[0] for t in range(future.shape[1])]
        return self.out(torch.cat([d, torch.stack(contexts, 1)], -1))


class ScriptedList(nn.Module):
    """A decoder whose loop stays: the steps are collected in a list. horizon is an input."""

    def __init__(self, features, hidden):
        super().__init__()
        self.encoder = nn.LSTM(features, hidden, batch_first=True)
        self.decoder = nn.LSTM(1, hidden, batch_first=True)
        self.query = nn.Linear(hidden, hidden)
        self.out = nn.Linear(2 * hidden, 1)

    def forward(self, x, horizon: int):
        keys, (h, c) = self.encoder(x)
        step = x[:, -1:, 0:1]
        steps: List[torch.Tensor] = []
        for i in range(horizon):
            d, (h, c) = self.decoder(step, (h, c))
            weights = torch.softmax(torch.matmul(self.query(d), keys.transpose(1, 2)), dim=-1)
            step = self.out(torch.cat([d, torch.matmul(weights, keys)], dim=-1))
            steps.append(step)
        return torch.cat(steps, 1)


class ScriptedConcat(nn.Module):
    """The same loop growing a tensor, with the horizon fixed."""

    def __init__(self, features, hidden, horizon):
        super().__init__()
        self.horizon = horizon
        self.encoder = nn.GRU(features, hidden, batch_first=True)
        self.decoder = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.encoder(x)
        step = x[:, -1:, 0:1]
        y = step
        for i in range(self.horizon):
            d, h = self.decoder(step, h)
            step = self.out(d) + step
            y = torch.cat([y, step], 1)
        return y[:, 1:]


class ScriptedWhile(nn.Module):
    """Decodes until the forecast falls below a floor, or for twelve steps: a loop that ends on a condition."""

    def __init__(self, hidden):
        super().__init__()
        self.cell = nn.LSTM(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x, floor):
        y, (h, c) = self.cell(x)
        step = self.out(y[:, -1:])
        count = torch.tensor(0)
        while bool((step.mean() > floor) & (count < 12)):
            d, (h, c) = self.cell(step, (h, c))
            step = step * 0.9 + 0.1 * self.out(d) - 0.05
            count = count + 1
        return step, count


class ScriptedCells(nn.Module):
    """LSTMCell step by step over a length known only at run time."""

    def __init__(self, features, hidden):
        super().__init__()
        self.hidden = hidden
        self.cell = nn.LSTMCell(features, hidden)
        self.out = nn.Linear(hidden, features)

    def forward(self, x):
        h = torch.zeros(x.size(1), self.hidden)
        c = torch.zeros(x.size(1), self.hidden)
        y = x
        for t in range(x.size(0)):
            h, c = self.cell(x[t], (h, c))
            y = torch.cat([y, self.out(h).unsqueeze(0)], 0)
        return y, h


class ScriptedBranch(nn.Module):
    """A branch on the data: both ways differ in what they compute and capture."""

    def __init__(self, features, hidden):
        super().__init__()
        self.cell = nn.GRU(features, hidden, batch_first=True)
        self.up, self.down = nn.Linear(hidden, 3), nn.Linear(hidden, 3)

    def forward(self, x):
        y, _ = self.cell(x)
        last = y[:, -1]
        if bool(x.mean() > 0):
            z = torch.relu(self.up(last))
        else:
            z = torch.softmax(self.down(last), dim=-1) - last.sum()
        return z


class ScriptedNested(nn.Module):
    """A branch within a loop, both capturing from outside."""

    def __init__(self, hidden):
        super().__init__()
        self.cell = nn.GRU(1, hidden, batch_first=True)
        self.odd, self.even = nn.Linear(hidden, 1), nn.Linear(hidden, 1)

    def forward(self, x, horizon: int):
        _, h = self.cell(x)
        step = x[:, -1:]
        y = step
        for i in range(horizon):
            d, h = self.cell(step, h)
            if i % 2 == 1:
                step = self.odd(d)
            else:
                step = torch.tanh(self.even(d)) + x[:, :1]
            y = torch.cat([y, step], 1)
        return y
