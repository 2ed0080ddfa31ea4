"""The larger models whose speed is measured: perf_models.py --out FOLDER, outside the repository.

Written by torch 1.13's TorchScript exporter, batch dynamic, with a data set of batch 1 and one of batch 3.
"""

from torch import nn

from nets.images import MobileNetV2, ResNet18
from nets.recurrent import Recurrent
from nets.seq2seq import Seq2Seq, Seq2SeqTorch
from nets.transformer import EncoderLayer
from torch_export import Case, axes, build, noise, write_all


def case(name, net, shape, inputs=("x",), outputs=("y",)):
    sets = [(noise(b, b, *shape),) for b in (1, 3)]
    batch = {"h": ",batch", "c": ",batch"}
    return Case(name, net, sets, list(inputs), list(outputs), 17,
                axes(x="batch", **{o: batch.get(o, "batch") for o in outputs}))


def all_cases():
    for name, hidden, layers, heads in (("seq2seq_2x512", 512, 2, 8), ("seq2seq_3x256", 256, 3, 8), ("seq2seq_1x64", 64, 1, 4)):
        yield case(name, build(1, Seq2Seq, 1, hidden, layers, heads, 24), (168, 1), outputs=("y", "attention"))
        yield case(name + "_mha", build(1, Seq2SeqTorch, 1, hidden, layers, heads, 24), (168, 1), outputs=("y", "attention"))
    yield case("lstm_64_256", build(2, Recurrent, "lstm", 64, 256), (168, 64), outputs=("y", "h", "c"))
    yield case("bilstm_2x512", build(3, Recurrent, "lstm", 512, 512, 2, True), (168, 512), outputs=("y", "h", "c"))
    yield case("transformer_512", build(4, EncoderLayer, 512, 8, 2048), (168, 512))
    yield case("resnet18", build(6, ResNet18), (3, 224, 224))
    yield case("mobilenetv2", build(7, MobileNetV2), (3, 224, 224))
    yield case("linear_1024", build(5, nn.Linear, 1024, 1024), (1024,))


if __name__ == "__main__":
    write_all(__doc__, all_cases())
