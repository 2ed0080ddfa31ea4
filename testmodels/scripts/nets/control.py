"""Branches and loops as torch.export knows them: torch.cond, while_loop and scan."""

import torch
from torch import nn


class Cond(nn.Module):
    """A branch on the data with layers in both ways."""

    def __init__(self, features, hidden):
        super().__init__()
        self.cell = nn.LSTM(features, hidden, batch_first=True)
        self.up, self.down = nn.Linear(hidden, 3), nn.Linear(hidden, 3)

    def forward(self, x):
        y, _ = self.cell(x)
        last = y[:, -1]
        return torch.cond(x.mean() > 0, lambda z: torch.relu(self.up(z)), lambda z: torch.softmax(self.down(z), -1) - z.sum(), (last,))


class ScanCells(nn.Module):
    """A simple recurrence by scan: h' = tanh(Wx + Uh), all h kept."""

    def __init__(self, features, hidden):
        super().__init__()
        self.w, self.u = nn.Linear(features, hidden), nn.Linear(hidden, hidden, bias=False)

    def forward(self, x):
        from torch._higher_order_ops.scan import scan

        def step(h, xt):
            h = torch.tanh(self.w(xt) + self.u(h))
            return h, h.clone()

        last, y = scan(step, torch.zeros(x.shape[1], self.u.in_features), x)
        return y, last


class WhileLoop(nn.Module):
    """Halves the values until their norm is below 1, counting."""

    def forward(self, x):
        from torch._higher_order_ops.while_loop import while_loop

        def more(count, z):
            return z.abs().sum() > 1.0

        def step(count, z):
            return count + 1, z * 0.5

        count, z = while_loop(more, step, (torch.tensor(0), x))
        return z, count
