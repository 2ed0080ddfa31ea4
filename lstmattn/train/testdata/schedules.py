# Prints pytorch_test.go: learning rates of torch.optim.lr_scheduler, averages of torch.optim.swa_utils.
#   python3 testdata/schedules.py > pytorch_test.go
import torch
from torch.optim import lr_scheduler as s

losses = [5, 4, 4.2, 3.9999, 4.1, 4.3, 3, 3.1, 3.2, 3.3, 3.4, -1, -0.99, -2, -2.0001, -1.9, -1.8, 0, 0, 0]


def rates(make, lr, n, losses=None):
    o = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule, out = make(o), []
    for i in range(n):
        out.append(o.param_groups[0]["lr"])
        o.step()
        schedule.step(losses[i]) if losses else schedule.step()
    return out


def warm_cosine(o):
    warm = s.LinearLR(o, 1 / 4, 1, total_iters=3)
    return s.SequentialLR(o, [warm, s.CosineAnnealingLR(o, 16, eta_min=0.01)], [4])


cases = [
    ("constant", "Schedule{Kind: Constant}", lambda o: s.LambdaLR(o, lambda _: 1), 0.3, 5, None),
    ("cosine", "Schedule{Kind: Cosine, MinRate: .02}", lambda o: s.CosineAnnealingLR(o, 12, eta_min=0.02), 0.5, 13, None),
    ("warm-up", "Schedule{Kind: Cosine, MinRate: .01, WarmupSteps: 4}", warm_cosine, 0.4, 21, None),
    ("step", "Schedule{Kind: StepDown, StepEpochs: 3, Gamma: .5}", lambda o: s.StepLR(o, 3, 0.5), 0.2, 11, None),
    ("plateau", "Schedule{Kind: Plateau, Factor: .3, Patience: 1, Threshold: 1e-4, MinRate: .004}",
     lambda o: s.ReduceLROnPlateau(o, factor=0.3, patience=1, threshold=1e-4, min_lr=0.004), 0.1, 11, losses),
]
print("package train\n")
print("// Made by testdata/schedules.py with PyTorch %s.\n" % torch.__version__.split("+")[0])
print("var pytorchRates = map[string]struct {\n\tschedule Schedule\n\tlr float64\n\trates []float64\n\tlosses []float64\n}{")
for name, go, make, lr, n, l in cases:
    r = rates(make, lr, n, l)
    print('\t"%s": {\n\t\t%s, %r,\n\t\t[]float64{%s},' % (name, go, lr, ", ".join("%.12g" % v for v in r)))
    print("\t\t%s," % ("[]float64{%s}" % ", ".join("%r" % v for v in l[:n]) if l else "nil"))
    print("\t},")
print("}")

p = torch.nn.Linear(1, 1, bias=False).double()
a = torch.optim.swa_utils.AveragedModel(p, avg_fn=lambda ema, v, n: 0.9 * ema + 0.1 * v)
values, averages = [3.0, -1.0, 0.25, 8.0, -5.5, 1.0], []
for v in values:
    p.weight.data.fill_(v)
    a.update_parameters(p)
    averages.append(a.module.weight.item())
print("\n// A parameter at six steps, and its average with decay 0.9.")
print("var pytorchAverages = struct{ values, averages []float64 }{")
for v in values, averages:
    print("\t[]float64{%s}," % ", ".join("%.12g" % x for x in v))
print("}")
