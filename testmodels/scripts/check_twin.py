"""Compares a model directory with its PyTorch twin: check_twin.py DIR INPUT.npy FORECAST.npy [ATTENTION.npy]

DIR has config.json and model.safetensors. INPUT.npy is what was given to onda, the others what came out of
it. They must agree within 1e-5 of what one scaled unit is in the forecast, absolutely in the attention weights.
"""

import sys

import numpy as np
import torch

import twin


def main(folder, given, *outputs):
    net = twin.load(folder)
    with torch.no_grad():
        want = net(torch.from_numpy(np.load(given)), horizon=np.load(outputs[0]).shape[1])
    units = (net.scaler.scale.abs().numpy(), 1.0)
    for path, value, unit in zip(outputs, want, units):
        got, value = np.load(path), value.numpy()
        if got.shape != value.shape:
            raise SystemExit(f"{path}: shape {got.shape}, PyTorch's is {value.shape}")
        far = np.abs((got - value) / unit).max()
        if not far <= 1e-5 * max(1.0, np.abs(value / unit).max()):
            raise SystemExit(f"{path}: differs from PyTorch by up to {far:.3g}")
        print(f"{path}: within {far:.2g} of PyTorch")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
