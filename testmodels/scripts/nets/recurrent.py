"""LSTM, GRU and RNN stacks."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Recurrent(nn.Module):
    """A stack that returns everything: the output of each step and the last states."""

    def __init__(self, kind, inputs, hidden, layers=1, bidirectional=False, batch_first=True, **options):
        super().__init__()
        self.cell = CELLS[kind](inputs, hidden, layers, bidirectional=bidirectional, batch_first=batch_first, **options)

    def forward(self, x):
        y, state = self.cell(x)
        return (y, *state) if isinstance(state, tuple) else (y, state)


class WithStates(Recurrent):
    """The same, with the initial states given by the caller."""

    def forward(self, x, h0, c0=None):
        y, state = self.cell(x, h0 if c0 is None else (h0, c0))
        return (y, *state) if isinstance(state, tuple) else (y, state)


class Packed(Recurrent):
    """A batch of sequences of different lengths, longest first."""

    def forward(self, x, lengths):
        batch_first = self.cell.batch_first
        packed = pack_padded_sequence(x, lengths, batch_first=batch_first)
        y, state = self.cell(packed)
        y, _ = pad_packed_sequence(y, batch_first=batch_first)
        return (y, *state) if isinstance(state, tuple) else (y, state)


class LearnedState(nn.Module):
    """Initial states that are parameters (layers*directions, 1, hidden), given as they are: exported, they
    hold for a batch of 1 only. expand=True is what computes the expected values for other batches."""

    def __init__(self, inputs, hidden, scale, expand=False):
        super().__init__()
        self.cell = nn.LSTM(inputs, hidden, batch_first=True)
        self.h0 = nn.Parameter(scale * torch.randn(1, 1, hidden))
        self.c0 = nn.Parameter(scale * torch.randn(1, 1, hidden))
        self.expand = expand

    def forward(self, x):
        h0, c0 = self.h0, self.c0
        if self.expand:
            h0, c0 = h0.repeat(1, x.shape[0], 1), c0.repeat(1, x.shape[0], 1)
        y, _ = self.cell(x, (h0, c0))
        return y


class Forecaster(nn.Module):
    """The usual small forecaster: the last step's output through a linear head."""

    def __init__(self, kind, inputs, hidden, layers, horizon, bidirectional=False, dropout=0.0, norm=False):
        super().__init__()
        self.cell = CELLS[kind](inputs, hidden, layers, bidirectional=bidirectional, dropout=dropout, batch_first=True)
        width = hidden * (2 if bidirectional else 1)
        self.norm = nn.LayerNorm(width) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, horizon)

    def forward(self, x):
        y, _ = self.cell(x)
        return self.head(self.dropout(self.norm(y[:, -1])))


class CellLoop(nn.Module):
    """nn.LSTMCell called step by step: the exporter writes the gates' arithmetic out."""

    def __init__(self, inputs, hidden):
        super().__init__()
        self.cell = nn.LSTMCell(inputs, hidden)

    def forward(self, x):
        h = torch.zeros(x.shape[0], self.cell.hidden_size)
        c = torch.zeros(x.shape[0], self.cell.hidden_size)
        steps = []
        for t in range(x.shape[1]):
            h, c = self.cell(x[:, t], (h, c))
            steps.append(h)
        return torch.stack(steps, 1)
