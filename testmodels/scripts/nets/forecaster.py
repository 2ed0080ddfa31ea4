"""The bundled forecaster: raw values in, raw values out."""

import torch
from torch import nn

from nets.attention import MultiHeadAttention


class Forecaster(nn.Module):
    """LSTM encoder-decoder with attention on the logarithms of a window, scaled by the window's mean and deviation.

    forward takes history (B, lookback, 1), positive, in the series' own unit, and returns the forecast
    (B, horizon) in the same unit and the attention weights (B, heads, horizon, lookback).
    """

    def __init__(self, hidden, heads, horizon):
        super().__init__()
        self.horizon = horizon
        self.encoder = nn.LSTM(1, hidden, bidirectional=True, batch_first=True)
        self.bridge_h, self.bridge_c = nn.Linear(2 * hidden, hidden), nn.Linear(2 * hidden, hidden)
        self.memory = nn.Linear(2 * hidden, hidden)
        self.decoder = nn.LSTM(1, hidden, batch_first=True)
        self.attention = MultiHeadAttention(hidden, heads)
        self.norm = nn.LayerNorm(hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, history):
        x = torch.log(history)
        mean = x.mean(1, keepdim=True)
        deviation = torch.sqrt(((x - mean) ** 2).mean(1, keepdim=True)) + 1e-3
        forecast, weights = self.decode((x - mean) / deviation)
        return torch.exp(forecast * deviation.squeeze(2) + mean.squeeze(2)), weights

    def decode(self, x):
        y, (h, c) = self.encoder(x)
        memory = self.memory(y)
        state = (torch.tanh(self.bridge_h(torch.cat([h[0], h[1]], -1))).unsqueeze(0),
                 self.bridge_c(torch.cat([c[0], c[1]], -1)).unsqueeze(0))
        step, steps, weights = x[:, -1:], [], []
        for _ in range(self.horizon):
            d, state = self.decoder(step, state)
            context, w = self.attention(d, memory, memory)
            step = self.out(self.norm(d + context))
            steps.append(step)
            weights.append(w)
        return torch.cat(steps, 1).squeeze(2), torch.cat(weights, 2)
