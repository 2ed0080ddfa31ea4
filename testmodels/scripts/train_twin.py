"""One side of tools/comparetrain: training steps of the PyTorch twin, each when a line on standard input asks for it.

    python train_twin.py FOLDER BATCH THREADS

FOLDER has a model's files, x.f32 (B, L, F) and target.f32 (B, T, F). The first line of output names the BLAS. The line
"forced" asks for a step in which the decoder reads the target everywhere, "step" for one in which it reads it with
probability 0.5. The answer is the loss and the step's milliseconds: gradients, clipping to norm 1, AdamW.
"""

import pathlib
import random
import sys
import time

import numpy
import torch

import twin


class ProjectedOnce(torch.nn.Module):
    """nn.MultiheadAttention that projects a memory's keys and values once, however many steps look at it."""

    def __init__(self, attention):
        super().__init__()
        self.attention, self.memory = attention, None

    def split(self, x):
        return x.unflatten(-1, (self.attention.num_heads, -1)).transpose(1, 2)

    def forward(self, query, memory, _, average_attn_weights):
        a = self.attention
        if a.in_proj_weight is None:
            weights = a.q_proj_weight, a.k_proj_weight, a.v_proj_weight
        else:
            weights = a.in_proj_weight.chunk(3)
        biases = a.in_proj_bias.chunk(3)
        if memory is not self.memory:
            self.memory = memory
            self.keys, self.values = (self.split(torch.nn.functional.linear(memory, weights[i], biases[i])) for i in (1, 2))
        query = self.split(torch.nn.functional.linear(query, weights[0], biases[0]))
        w = torch.softmax(query @ self.keys.transpose(-1, -2) / query.shape[-1] ** 0.5, -1)
        return a.out_proj((w @ self.values).transpose(1, 2).flatten(2)), w


def blas():
    """The file of the BLAS that the process has loaded."""
    try:
        with open("/proc/self/maps") as maps:
            files = {pathlib.Path(line.split()[-1]).resolve() for line in maps if "blas" in line.rsplit("/", 1)[-1]}
    except OSError:
        files = set()
    files = sorted(files, key=lambda file: ("openblas" not in str(file), file.name))
    if not files:
        return "PyTorch's own"
    name = "OpenBLAS" if "openblas" in str(files[0]) else "reference BLAS" if files[0].parent.name == "blas" else "another"
    return f"{name} ({files[0].name})"


def main():
    folder, batch = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(int(sys.argv[3]))
    net = twin.load(folder).train()
    net.attention = ProjectedOnce(net.attention)
    features = net.scaler.mean.shape[0]

    def read(name):
        return torch.from_numpy(numpy.fromfile(folder / name, numpy.float32).reshape(batch, -1, features))

    x, target = read("x.f32"), read("target.f32")
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    draws = random.Random(1)
    print(blas(), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        net.forced = [line.strip() == "forced" or draws.random() < 0.5 for _ in range(target.shape[1])]
        optimizer.zero_grad()
        y, _ = net(x, target.shape[1], target)
        loss = torch.nn.functional.mse_loss(y, target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        print(loss.item(), (time.perf_counter() - start) * 1000, flush=True)


main()
