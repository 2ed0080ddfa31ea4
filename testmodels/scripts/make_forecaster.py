"""forecasters/airpassengers: an LSTM encoder-decoder with attention, trained here and exported by torch 1.13.

The series is the monthly number of international airline passengers, 1949 to 1960, in thousands. The
last year is kept out of training; the script fails unless the forecast of it beats repeating the year
before. Takes about a minute.
"""

import csv
import io
import warnings

import onnx
import torch

import cases
from nets.forecaster import Forecaster

LOOKBACK, HORIZON = 24, 12
PASSENGERS = [
    112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118,
    115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140,
    145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166,
    171, 180, 193, 181, 183, 218, 230, 242, 209, 191, 172, 194,
    196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201,
    204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229,
    242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278,
    284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306,
    315, 301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336,
    340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337,
    360, 342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405,
    417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432,
]
METADATA = {
    "name": "airpassengers",
    "description": "LSTM encoder-decoder with attention, trained in PyTorch on the airline passengers of 1949 to 1959",
    "input_size": str(LOOKBACK),
    "horizon": str(HORIZON),
    "num_features": "1",
    "columns": "y",
    "frequency": "month",
    "unit": "thousand passengers",
}


def train(y, epochs=700):
    """Fits all windows of y at once, with a little noise on the inputs; the loss is on logarithms."""
    torch.manual_seed(7)
    torch.set_num_threads(1)
    net = Forecaster(hidden=24, heads=4, horizon=HORIZON)
    starts = range(len(y) - LOOKBACK - HORIZON + 1)
    x = torch.stack([y[s:s + LOOKBACK] for s in starts]).unsqueeze(2)
    target = torch.stack([y[s + LOOKBACK:s + LOOKBACK + HORIZON] for s in starts])
    optimiser = torch.optim.Adam(net.parameters(), lr=4e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for _ in range(epochs):
        optimiser.zero_grad()
        forecast, _ = net(x * torch.exp(0.015 * torch.randn_like(x)))
        loss = (torch.log(forecast) - torch.log(target)).abs().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return net.eval(), loss.item()


def save(net, out, windows):
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, windows[:1], file, opset_version=17, input_names=["history"],
                          output_names=["forecast", "attention"],
                          dynamic_axes={name: {0: "batch"} for name in ("history", "forecast", "attention")})
    model = onnx.load_from_string(file.getvalue())
    onnx.helper.set_model_props(model, METADATA)
    sets = []
    for part in (windows[-1:], windows[::40]):
        with torch.no_grad():
            sets.append(([part.numpy()], [t.numpy() for t in net(part)]))
    cases.write(out, model, sets)
    with open(out / "series.csv", "w", newline="") as f:
        rows = csv.writer(f, lineterminator="\n")
        rows.writerow(["unique_id", "ds", "y"])
        for i, value in enumerate(PASSENGERS):
            rows.writerow(["airpassengers", f"{1949 + i // 12}-{i % 12 + 1:02d}-01", value])


def main():
    out = cases.arguments(__doc__).out / "forecasters" / "airpassengers"
    y = torch.tensor(PASSENGERS, dtype=torch.float32)
    net, loss = train(y[:-HORIZON])
    windows = y.unfold(0, LOOKBACK, 1)[:-HORIZON].unsqueeze(2)
    with torch.no_grad():
        forecast = net(windows[-1:])[0][0]
    want, naive = y[-HORIZON:], y[-2 * HORIZON:-HORIZON]
    error, bar = (forecast - want).abs().mean().item(), (naive - want).abs().mean().item()
    print(f"training loss {loss:.4f}; 1960: mean absolute error {error:.1f} thousand, the year before repeated {bar:.1f}")
    if error > 0.6 * bar:
        raise SystemExit("the forecast does not clearly beat the year before")
    save(net, out, windows)


if __name__ == "__main__":
    main()
