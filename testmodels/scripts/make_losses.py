"""Makes lstmattn/testdata/losses.json: what PyTorch makes of the losses of package lstmattn, in float64.

Each case is the K numbers of a value, its target and the unit of both; the loss is torch's own function or the log
density of torch.distributions, of target times unit; its gradient is autograd's.
"""

import argparse
import json
import pathlib

import torch
import torch.nn.functional as F
from torch import distributions

LEVELS = [0.1, 0.5, 0.9]


def pinball(y, target, unit):
    losses = []
    for level, q in zip(LEVELS, y):
        above = (target - q) * unit
        losses.append(torch.max(level * above, (level - 1) * above))
    return torch.stack(losses).mean()


def gaussian(y, target, unit):
    return -distributions.Normal(y[0] * unit, (0.001 + F.softplus(y[1])) * unit).log_prob(target * unit)


def student_t(y, target, unit):
    scale = (0.001 + F.softplus(y[1])) * unit
    return -distributions.StudentT(2 + F.softplus(y[2]), y[0] * unit, scale).log_prob(target * unit)


LOSSES = {
    "mse": (1, lambda y, t, u: F.mse_loss(y[0] * u, t * u)),
    "mae": (1, lambda y, t, u: F.l1_loss(y[0] * u, t * u)),
    "huber": (1, lambda y, t, u: F.huber_loss(y[0] * u, t * u, delta=0.7)),
    "quantile": (len(LEVELS), pinball),
    "gaussian": (2, gaussian),
    "student_t": (3, student_t),
}


def case(name, y, target, unit):
    y = y.float().double().requires_grad_()  # numbers that float32 holds
    target, unit = target.double(), torch.tensor(unit, dtype=torch.float64)
    loss = LOSSES[name][1](y, target, unit)
    loss.backward()
    return {"loss": name, "y": y.tolist(), "target": target.item(), "unit": unit.item(), "value": loss.item(), "gradient": y.grad.tolist()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=top / "lstmattn" / "testdata" / "losses.json")
    out = parser.parse_args().out
    torch.manual_seed(5)
    cases = []
    for name, (width, _) in LOSSES.items():
        for size in (0.1, 1.0, 5.0):
            for unit in (1.0, 0.25, 6.0):
                cases.append(case(name, size * torch.randn(width), (size * torch.randn(())).float(), unit))
    for d in (-40.0, 8.0, 60.0, 5000.0):  # degrees of freedom from 2 to almost the normal
        cases.append(case("student_t", torch.tensor([0.3, -1.2, d]), torch.tensor(2.5), 1.5))
    for s in (-30.0, -7.0, 30.0):  # deviations from almost none to large
        cases.append(case("gaussian", torch.tensor([0.3, s]), torch.tensor(0.3125), 1.5))
        cases.append(case("student_t", torch.tensor([0.3, s, 1.0]), torch.tensor(0.3125), 1.5))
    out.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
