"""The Llama architecture for training on a CPU: query, key and value in one matrix, gate and up in another."""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Shape:
    vocab: int = 6144
    hidden: int = 256
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    ff: int = 768
    max_positions: int = 2048
    rope_theta: float = 500000.0
    eps: float = 1e-5

    @property
    def head_dim(self):
        return self.hidden // self.heads

    def frequencies(self):
        """Radians a position, of each rotary pair: [head_dim / 2]"""
        return self.rope_theta ** -(torch.arange(0, self.head_dim, 2).float() / self.head_dim)


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


class Block(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.attention_norm, self.mlp_norm = RMSNorm(s.hidden, s.eps), RMSNorm(s.hidden, s.eps)
        self.qkv = nn.Linear(s.hidden, (s.heads + 2 * s.kv_heads) * s.head_dim, bias=False)
        self.out = nn.Linear(s.heads * s.head_dim, s.hidden, bias=False)
        self.gate_up = nn.Linear(s.hidden, 2 * s.ff, bias=False)
        self.down = nn.Linear(s.ff, s.hidden, bias=False)

    def forward(self, x, cos, sin):
        s = self.s
        rows, length, _ = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(rows, length, -1, s.head_dim).transpose(1, 2)
        qk, v = qkv.split([s.heads + s.kv_heads, s.kv_heads], 1)
        q, k = rotate(qk, cos, sin).to(v.dtype).split([s.heads, s.kv_heads], 1)
        group = s.heads // s.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(rows, length, -1))
        gate, up = self.gate_up(self.mlp_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.hidden)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.hidden, shape.eps)
        nn.init.normal_(self.embedding.weight, std=0.02)
        for block in self.blocks:
            for linear in (block.qkv, block.out, block.gate_up, block.down):
                writes = linear in (block.out, block.down)
                depth = math.sqrt(2 * shape.layers) if writes else 1
                nn.init.normal_(linear.weight, std=0.8 / math.sqrt(linear.in_features) / depth)
        angles = torch.outer(torch.arange(shape.max_positions).float(), shape.frequencies()).repeat(1, 2)
        self.register_buffer('cos', angles.cos(), persistent=False)
        self.register_buffer('sin', angles.sin(), persistent=False)

    def hidden(self, ids):
        """ids [rows, length] -> last layer, normed [rows, length, hidden]"""
        x, length = self.embedding(ids), ids.shape[1]
        for block in self.blocks:
            x = block(x, self.cos[:length], self.sin[:length])
        return self.norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.embedding.weight)
