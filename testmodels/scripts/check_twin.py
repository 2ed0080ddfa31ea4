"""Compares a model directory with its PyTorch twin: check_twin.py DIR INPUT OUTPUT...

DIR has config.json and model.safetensors, which the twin must take as its state dict. INPUT is a folder with what was
given to onda, x.npy (batch, input_size, features) and, where the model takes them, past.npy, future.npy and static.npy;
the OUTPUTs are what came out, named forecast.npy, attention.npy, quantiles.npy, scale.npy and df.npy. INPUT.csv and
forecast.csv are a series and what onda forecast wrote after it. They must agree within 1e-5 of the larger of one scaled
unit and the largest scaled value.
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
    if path.suffix != ".csv":
        return np.load(path)
    with open(path) as f:
        rows = [[float(row[name]) for name in config["feature_names"]] for row in csv.DictReader(f)]
    return np.array([rows], np.float32)


def inputs(given, config):
    """x, and the covariates by kind."""
    if given.suffix == ".csv":
        return read(given, config), {}
    kinds = [kind for kind in ("past", "future", "static") if config.get("num_" + kind)]
    return np.load(given / "x.npy"), {kind: torch.from_numpy(np.load(given / f"{kind}.npy")) for kind in kinds}


def main(folder, given, *outputs):
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    net = twin.load(folder)
    x, covariates = inputs(pathlib.Path(given), config)
    got = {path.stem: read(path, config) for path in map(pathlib.Path, outputs)}
    with torch.no_grad():
        forecast, attention = net(torch.from_numpy(x[:, -config["input_size"]:]), horizon=got["forecast"].shape[1], **covariates)
    want = {"forecast": forecast, "attention": attention, **net.beside}
    column = net.scaler.scale.abs().numpy()
    units = {"forecast": column, "scale": column, "quantiles": column[:, None]}
    for name, value in got.items():
        expected = want[name].numpy()
        if value.shape != expected.shape:
            raise SystemExit(f"{given}: {name} has shape {value.shape}, PyTorch's is {expected.shape}")
        unit = units.get(name, 1.0)
        far, largest = np.abs((value - expected) / unit).max(), np.abs(expected / unit).max()
        if not far <= 1e-5 * max(1.0, largest):
            raise SystemExit(f"{given}: {name} differs from PyTorch by up to {far:.3g}, the largest value is {largest:.3g}")
        print(f"{folder}: {name} within {far:.2g} of PyTorch")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
