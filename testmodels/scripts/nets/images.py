"""Classifiers of images: ResNet-18 (He et al. 2015) and MobileNetV2 (Sandler et al. 2018)."""

import torch
from torch import nn


def conv(inputs, outputs, size=3, stride=1, groups=1, activation=nn.ReLU):
    """A convolution that keeps the extent at stride 1, its batch normalisation and its activation."""
    parts = [nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*parts, *([activation()] if activation else []))


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.inner = nn.Sequential(conv(inputs, outputs, stride=stride), conv(outputs, outputs, activation=None))
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else conv(inputs, outputs, 1, stride, activation=None)

    def forward(self, x):
        return torch.relu(self.inner(x) + self.skip(x))


class ResNet18(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        layers, width = [conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
        for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            layers += [Residual(width, outputs, stride), Residual(outputs, outputs, 1)]
            width = outputs
        self.features, self.classify = nn.Sequential(*layers), nn.Linear(width, classes)

    def forward(self, x):
        return self.classify(self.features(x).mean((2, 3)))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        parts = [] if expansion == 1 else [conv(inputs, wide, 1, activation=nn.ReLU6)]
        parts += [conv(wide, wide, 3, stride, wide, nn.ReLU6), conv(wide, outputs, 1, activation=None)]
        self.inner, self.same = nn.Sequential(*parts), stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.inner(x) if self.same else self.inner(x)


class MobileNetV2(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        layers, width = [conv(3, 32, stride=2, activation=nn.ReLU6)], 32
        for expansion, outputs, count, stride in (
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
        ):
            for i in range(count):
                layers.append(InvertedResidual(width, outputs, stride if i == 0 else 1, expansion))
                width = outputs
        layers.append(conv(width, 1280, 1, activation=nn.ReLU6))
        self.features, self.classify = nn.Sequential(*layers), nn.Linear(1280, classes)

    def forward(self, x):
        return self.classify(self.features(x).mean((2, 3)))
