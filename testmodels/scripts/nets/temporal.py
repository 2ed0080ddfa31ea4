"""Convolutional and linear forecasters: TCN, WaveNet-like, LSTNet, DLinear, NLinear, N-BEATS, TiDE-like, SegRNN."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import weight_norm


class TemporalBlock(nn.Module):
    """Two dilated causal convolutions with a residual; the padding's tail is cut off, as in the TCN paper."""

    def __init__(self, inputs, outputs, kernel, dilation, normalised):
        super().__init__()
        self.cut = (kernel - 1) * dilation
        wrap = weight_norm if normalised else (lambda layer: layer)
        self.conv1 = wrap(nn.Conv1d(inputs, outputs, kernel, padding=self.cut, dilation=dilation))
        self.conv2 = wrap(nn.Conv1d(outputs, outputs, kernel, padding=self.cut, dilation=dilation))
        self.dropout = nn.Dropout(0.2)
        self.down = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x):
        y = self.dropout(F.relu(self.conv1(x)[:, :, :-self.cut].contiguous()))
        y = self.dropout(F.relu(self.conv2(y)[:, :, :-self.cut].contiguous()))
        return F.relu(y + (x if self.down is None else self.down(x)))


class TCN(nn.Module):
    def __init__(self, features, channels, kernel, levels, horizon, normalised=True):
        super().__init__()
        self.blocks = nn.Sequential(*(TemporalBlock(features if i == 0 else channels, channels, kernel, 2 ** i, normalised)
                                      for i in range(levels)))
        self.head = nn.Linear(channels, horizon)

    def forward(self, x):
        return self.head(self.blocks(x.transpose(1, 2))[:, :, -1])


class WaveNet(nn.Module):
    """Gated dilated convolutions padded on the left, batch normalisation, skip connections."""

    def __init__(self, features, channels, levels):
        super().__init__()
        self.start = nn.Conv1d(features, channels, 1)
        self.filters = nn.ModuleList(nn.Conv1d(channels, channels, 2, dilation=2 ** i) for i in range(levels))
        self.gates = nn.ModuleList(nn.Conv1d(channels, channels, 2, dilation=2 ** i) for i in range(levels))
        self.norms = nn.ModuleList(nn.BatchNorm1d(channels) for _ in range(levels))
        self.end = nn.Conv1d(channels, 1, 1)
        for norm in self.norms:  # statistics as training leaves them
            nn.init.normal_(norm.running_mean, 0, 0.3)
            nn.init.uniform_(norm.running_var, 0.5, 2)

    def forward(self, x):
        y = self.start(x.permute(0, 2, 1))
        skip = torch.zeros_like(y)
        for i, (f, g, norm) in enumerate(zip(self.filters, self.gates, self.norms)):
            z = F.pad(y, (2 ** i, 0))
            z = torch.tanh(f(z)) * torch.sigmoid(g(z))
            skip = skip + z
            y = norm(z + y)
        return self.end(F.elu(skip)).squeeze(1)


class LSTNet(nn.Module):
    """Convolution over all series, GRU, GRU over every period-th step, linear highway."""

    def __init__(self, series, lookback, channels, kernel, hidden, skip, skip_hidden, highway):
        super().__init__()
        self.series, self.skip, self.skip_hidden, self.highway = series, skip, skip_hidden, highway
        self.conv = nn.Conv2d(1, channels, (kernel, series))
        self.gru = nn.GRU(channels, hidden)
        self.periods = (lookback - kernel) // skip
        self.gru_skip = nn.GRU(channels, skip_hidden)
        self.head = nn.Linear(hidden + skip * skip_hidden, series)
        self.linear = nn.Linear(highway, 1)

    def forward(self, x):
        batch = x.size(0)
        c = F.relu(self.conv(x.unsqueeze(1))).squeeze(3)
        _, r = self.gru(c.permute(2, 0, 1))
        s = c[:, :, -self.periods * self.skip:]
        s = s.reshape(batch, -1, self.periods, self.skip).permute(2, 0, 3, 1)
        s = s.reshape(self.periods, batch * self.skip, -1)
        _, s = self.gru_skip(s)
        s = s.reshape(batch, self.skip * self.skip_hidden)
        y = self.head(torch.cat([r.squeeze(0), s], 1))
        z = x[:, -self.highway:].permute(0, 2, 1).reshape(-1, self.highway)
        return y + self.linear(z).view(-1, self.series)


class DLinear(nn.Module):
    """Moving average with repeated ends splits trend and season; a linear map each, shared or a channel each."""

    def __init__(self, lookback, horizon, channels, kernel, individual=False):
        super().__init__()
        self.half, self.individual = (kernel - 1) // 2, individual
        self.average = nn.AvgPool1d(kernel, stride=1)
        maps = channels if individual else 1
        self.season = nn.ModuleList(nn.Linear(lookback, horizon) for _ in range(maps))
        self.trend = nn.ModuleList(nn.Linear(lookback, horizon) for _ in range(maps))

    def forward(self, x):
        front, end = x[:, 0:1].repeat(1, self.half, 1), x[:, -1:].repeat(1, self.half, 1)
        trend = self.average(torch.cat([front, x, end], 1).permute(0, 2, 1))
        season = x.permute(0, 2, 1) - trend
        if not self.individual:
            return (self.season[0](season) + self.trend[0](trend)).permute(0, 2, 1)
        y = torch.stack([s(season[:, i]) + t(trend[:, i]) for i, (s, t) in enumerate(zip(self.season, self.trend))], 1)
        return y.permute(0, 2, 1)


class NLinear(nn.Module):
    def __init__(self, lookback, horizon):
        super().__init__()
        self.linear = nn.Linear(lookback, horizon)

    def forward(self, x):
        last = x[:, -1:].detach()
        return self.linear((x - last).transpose(1, 2)).transpose(1, 2) + last


class NBeats(nn.Module):
    """Doubly residual stack; the backcast is subtracted, the forecasts add up; max-pooled inputs as in N-HiTS."""

    def __init__(self, lookback, horizon, hidden, pools):
        super().__init__()
        self.pools = nn.ModuleList(nn.MaxPool1d(p, stride=p, ceil_mode=True) for p in pools)
        self.horizon = horizon
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(-(-lookback // p), hidden), nn.ReLU(), nn.Linear(hidden, lookback + max(1, horizon // p)))
            for p in pools)
        self.lookback = lookback

    def forward(self, x):
        y = x[:, -1:].repeat(1, self.horizon)
        for pool, block in zip(self.pools, self.blocks):
            theta = block(pool(x.unsqueeze(1)).squeeze(1))
            back, knots = theta[:, :self.lookback], theta[:, self.lookback:]
            x = x - back
            y = y + F.interpolate(knots.unsqueeze(1), size=self.horizon, mode="linear").squeeze(1)
        return y


class TiDE(nn.Module):
    """Dense residual encoder on flattened past and known future, with a skip from the past."""

    def __init__(self, lookback, horizon, known, hidden):
        super().__init__()
        self.horizon = horizon
        width = lookback + (lookback + horizon) * known
        self.inner = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.Dropout(0.1))
        self.jump, self.norm = nn.Linear(width, hidden), nn.LayerNorm(hidden)
        self.decode = nn.Linear(hidden, horizon * 2)
        self.temporal = nn.Linear(2 + known, 1)
        self.skip = nn.Linear(lookback, horizon)

    def forward(self, y, covariates):
        x = torch.cat([y, covariates.flatten(1)], 1)
        h = self.norm(self.inner(x) + self.jump(x))
        d = self.decode(h).view(-1, self.horizon, 2)
        z = torch.cat([d, covariates[:, -self.horizon:]], -1)
        return self.temporal(z).squeeze(-1) + self.skip(y)


class SegRNN(nn.Module):
    """Segments as the GRU's steps, channels in the batch, direct decoding by position embeddings."""

    def __init__(self, lookback, horizon, channels, segment, hidden):
        super().__init__()
        self.segment, self.hidden, self.channels = segment, hidden, channels
        self.inputs, self.outputs = lookback // segment, horizon // segment
        self.embed = nn.Sequential(nn.Linear(segment, hidden), nn.ReLU())
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.position = nn.Parameter(torch.randn(self.outputs, hidden // 2))
        self.channel = nn.Parameter(torch.randn(channels, hidden // 2))
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(hidden, segment))

    def forward(self, x):
        batch = x.size(0)
        last = x[:, -1:].detach()
        z = (x - last).permute(0, 2, 1).reshape(-1, self.inputs, self.segment)
        _, h = self.gru(self.embed(z))
        where = torch.cat([self.position.unsqueeze(0).repeat(self.channels, 1, 1),
                           self.channel.unsqueeze(1).repeat(1, self.outputs, 1)], -1)
        where = where.view(-1, 1, self.hidden).repeat(batch, 1, 1)
        _, y = self.gru(where, h.repeat(1, 1, self.outputs).view(1, -1, self.hidden))
        y = self.head(y).view(batch, self.channels, -1)
        return y.permute(0, 2, 1) + last
