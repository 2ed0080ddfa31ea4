"""Compares a model directory with its PyTorch twin: check_twin.py DIR INPUT FORECAST [ATTENTION.npy]

DIR has config.json and model.safetensors. INPUT.npy (batch, input_size, features) is what was given to onda,
FORECAST.npy (batch, horizon, features) and ATTENTION.npy what came out. INPUT.csv and FORECAST.csv are a series
and what onda forecast wrote after it. They must agree within 1e-5 of the larger of one scaled unit and the
largest scaled value.
"""

import csv
import json
import pathlib
import sys

import numpy as np
import torch

import twin


def read(path, config):
    """An array, or the model's columns of a CSV file as a batch of one."""
    if not path.endswith(".csv"):
        return np.load(path)
    with open(path) as f:
        rows = [[float(row[name]) for name in config["feature_names"]] for row in csv.DictReader(f)]
    return np.array([rows], np.float32)


def main(folder, given, *outputs):
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    net = twin.load(folder)
    x = read(given, config)[:, -config["input_size"]:]
    arrays = [read(path, config) for path in outputs]
    with torch.no_grad():
        want = net(torch.from_numpy(x), horizon=arrays[0].shape[1])
    units = (net.scaler.scale.abs().numpy(), 1.0)
    for path, got, value, unit in zip(outputs, arrays, want, units):
        value = value.numpy()
        if got.shape != value.shape:
            raise SystemExit(f"{path}: shape {got.shape}, PyTorch's is {value.shape}")
        far, largest = np.abs((got - value) / unit).max(), np.abs(value / unit).max()
        if not far <= 1e-5 * max(1.0, largest):
            raise SystemExit(f"{path}: differs from PyTorch by up to {far:.3g}, the largest value is {largest:.3g}")
        print(f"{path}: within {far:.2g} of PyTorch")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
