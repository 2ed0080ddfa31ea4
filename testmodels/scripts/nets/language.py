"""Small language models with the structure of BERT and GPT-2, as their PyTorch code is usually written: what
onnxruntime.transformers looks for."""

import math

import torch
from torch import nn


def split(x, heads):
    return x.view(x.size()[:-1] + (heads, x.size(-1) // heads)).permute(0, 2, 1, 3)


def join(x):
    x = x.permute(0, 2, 1, 3).contiguous()
    return x.view(x.size()[:-2] + (x.size(-2) * x.size(-1),))


class BertLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x, mask):
        q, k, v = (split(f(x), self.heads) for f in (self.query, self.key, self.value))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.size(-1)) + mask
        x = self.norm1(self.out(join(torch.matmul(torch.softmax(scores, -1), v))) + x)
        return self.norm2(self.narrow(nn.functional.gelu(self.wide(x))) + x)


class Bert(nn.Module):
    def __init__(self, words, places, width, heads, layers):
        super().__init__()
        self.words, self.places, self.kinds = nn.Embedding(words, width), nn.Embedding(places, width), nn.Embedding(2, width)
        self.norm, self.pool = nn.LayerNorm(width), nn.Linear(width, width)
        self.layers = nn.ModuleList(BertLayer(width, heads) for _ in range(layers))
        self.register_buffer("position_ids", torch.arange(places)[None])

    def forward(self, input_ids, attention_mask, token_type_ids):
        mask = (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * -10000.0
        positions = self.position_ids[:, :input_ids.size(1)]
        x = self.norm(self.words(input_ids) + self.kinds(token_type_ids) + self.places(positions))
        for layer in self.layers:
            x = layer(x, mask)
        return x, torch.tanh(self.pool(x[:, 0]))


class GptLayer(nn.Module):
    def __init__(self, width, heads, places):
        super().__init__()
        self.heads = heads
        self.weight, self.bias = nn.Parameter(torch.randn(width, 3 * width) / width ** 0.5), nn.Parameter(torch.randn(3 * width) / 10)
        self.out, self.wide, self.narrow = nn.Linear(width, width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.register_buffer("seen", torch.tril(torch.ones(places, places, dtype=torch.uint8))[None, None])
        self.register_buffer("hidden", torch.tensor(-1e4))

    def forward(self, x, past):
        h = self.norm1(x)
        h = torch.addmm(self.bias, h.view(-1, h.size(-1)), self.weight).view(h.size()[:-1] + (self.weight.size(1),))
        q, k, v = (split(part, self.heads) for part in h.split(x.size(-1), dim=2))
        k, v = torch.cat((past[0], k), -2), torch.cat((past[1], v), -2)
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.size(-1))
        new, all_ = scores.size(-2), scores.size(-1)
        scores = torch.where(self.seen[:, :, all_ - new:all_, :all_].to(torch.bool), scores, self.hidden)
        x = x + self.out(join(torch.matmul(torch.softmax(scores, -1), v)))
        h = self.wide(self.norm2(x))
        h = 0.5 * h * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (h + 0.044715 * torch.pow(h, 3.0))))
        return x + self.narrow(h), torch.stack((k, v))


class Gpt(nn.Module):
    """With the keys and values of earlier words as inputs, (2, batch, heads, words, width) a layer."""

    def __init__(self, words, places, width, heads, layers):
        super().__init__()
        self.words, self.places, self.norm = nn.Embedding(words, width), nn.Embedding(places, width), nn.LayerNorm(width)
        self.layers = nn.ModuleList(GptLayer(width, heads, places) for _ in range(layers))

    def forward(self, input_ids, position_ids, past_0, past_1):
        x, present = self.words(input_ids) + self.places(position_ids), []
        for layer, past in zip(self.layers, (past_0, past_1)):
            x, kept = layer(x, past)
            present.append(kept)
        return self.norm(x), *present
