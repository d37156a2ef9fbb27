"""A soft copy circuit to start from. Small models spend most of a short training before they find copying; this puts
previous-token heads into layer 0 and induction heads into layers 1 and 2. All of it stays trainable.

Residual at the start: dimension 0 is a constant, 1..h/2-1 hold the token, h/2.. receive the previous token.
"""
import math

import torch

TOKEN_NORM = 0.96
CONSTANT = 0.3
MATCH = 6.0              # sharpness of the induction heads' match of content
WRITE = 0.15             # what they write, at embedding scale
FAST = 0.1               # radians a position above which a rotary pair tells one position from the next
SLOW = 1.6e-3            # and below which it hardly turns within a row, so that it can match content


@torch.no_grad()
def install(model, seed=0, sharpness=6.0):
    """sharpness: of the previous-token heads"""
    s, rng = model.shape, torch.Generator().manual_seed(seed)
    half, size = s.hidden // 2, s.hidden // 2 - 1
    embedding = model.embedding.weight
    embedding[:, 1:half] = torch.randn(s.vocab, size, generator=rng) * TOKEN_NORM / math.sqrt(size)
    embedding[:, half:] = torch.randn(s.vocab, s.hidden - half, generator=rng) * 0.01
    embedding[:, 0] = CONSTANT
    for block in model.blocks:
        block.down.weight.mul_(0.3)
        block.out.weight.mul_(0.2)
        block.qkv.weight[:(s.heads + s.kv_heads) * s.head_dim].mul_(0.5)
    rotation = torch.linalg.qr(torch.randn(size, size, generator=rng))[0]
    carried = min(s.head_dim, size // s.kv_heads)        # dimensions of the token that one KV head carries
    for kv in range(s.kv_heads):
        rows = rotation[kv * carried:(kv + 1) * carried]
        install_previous_token(model, kv, rows, sharpness)
        for layer in (1, 2):
            if layer < s.layers:
                install_induction(model, layer, kv, rows)


def head_rows(shape, kv):
    """Where the first query head of the group, the key head and the value head start in `qkv`."""
    d = shape.head_dim
    return kv * (shape.heads // shape.kv_heads) * d, (shape.heads + kv) * d, (shape.heads + shape.kv_heads + kv) * d


def install_previous_token(model, kv, rows, sharpness):
    s, block = model.shape, model.blocks[0]
    d, half, carried = s.head_dim, s.hidden // 2, len(rows)
    q, k, v = head_rows(s, kv)
    scale = math.sqrt((TOKEN_NORM ** 2 + CONSTANT ** 2) / s.hidden)
    turns = s.frequencies()
    fast = (turns > FAST).nonzero()[:, 0].tolist()
    gap = sum(1 - math.cos(turns[i]) for i in fast)
    amplitude = math.sqrt(sharpness * math.sqrt(d) / gap) * scale / CONSTANT
    qkv, out = block.qkv.weight, block.out.weight
    for i in fast:
        # The query is turned back by one position, so that it meets the key of the token before.
        qkv[q + i, 0] = amplitude * math.cos(turns[i])
        qkv[q + i + d // 2, 0] = -amplitude * math.sin(turns[i])
        qkv[k + i, 0] = amplitude
    qkv[v:v + carried] = 0
    qkv[v:v + carried, 1:half] = rows
    out[:, q:q + d] = 0
    for i in range(carried):
        out[half + kv * carried + i, q + i] = scale


def install_induction(model, layer, kv, rows):
    """Finds the place whose previous token is the current one, and writes the token that stands there."""
    s, block = model.shape, model.blocks[layer]
    d, half, carried = s.head_dim, s.hidden // 2, len(rows)
    q, k, v = head_rows(s, kv)
    slow = (s.frequencies() < SLOW).nonzero()[:, 0].tolist()
    places = (slow + [i + d // 2 for i in slow])[:carried]
    # The second of the layers matches the dimensions that the first leaves out.
    first = 0 if layer == 1 else carried - len(places)
    qkv, out = block.qkv.weight, block.out.weight
    for i, place in enumerate(places):
        qkv[q + place] = 0
        qkv[q + place, 1:half] = math.sqrt(MATCH) * rows[first + i]
        qkv[k + place] = 0
        qkv[k + place, half + kv * carried + first + i] = math.sqrt(MATCH)
    qkv[v:v + d] = 0
    out[:, q:q + d] = 0
    for i in range(carried):
        qkv[v + i, 1 + kv * carried + i] = 1
        out[1 + kv * carried + i, q + i] = WRITE
