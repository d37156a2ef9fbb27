"""Trains draft heads that read each other's tokens (Hydra, 2402.05109, in its basic form) on a checkpoint's last hidden
states. Head k reads the state behind token t and the embeddings of the k tokens after it, drafted ones too, and names
the token that comes then: a residual block over what it reads, and the target's own head. Unlike the layer of
feature.py a head makes no state for the next one to read, so it drafts no further than there are heads.

The target writes its own answers. Nothing of it is trained: its table and head are used, of the `--vocabulary` tokens
that are likeliest in the answers. The target's states have some noise, as feature.py's.

  python hydra.py --model FOLDER --out hydra.safetensors
                  [--write-minutes 12] [--train-minutes 11] [--vocabulary 8192] [--places 4]

Needs what answers.py needs; a Llama-family checkpoint.
"""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from answers import answers, asking, opened
from trainer import Vocabulary, learn, naming, padded, save, training

LEAST_SQUARE = 1e-12  # of an embedding: a token that no text has may have none (gpu-backend/builder/hydra-graph.ts)
NOISE = 0.2  # of the states' root mean square
LR = 3e-3  # the blocks begin from nothing, where a layer begins as the target's last one


def shifted(x, by):
    """Each row's is that of so many rows later (earlier below 0); beyond the ends zeros."""
    n = x.shape[1]
    return F.pad(x, (0, 0, max(0, -by), max(0, by)))[:, max(0, by):max(0, by) + n]


def embedded(target, tokens):
    """The tokens' embeddings, each divided by its root mean square."""
    e = target.table[tokens]
    return F.rms_norm(e, e.shape[-1:], eps=LEAST_SQUARE)


class Hydra(nn.Module):
    """`vocabulary`: the tokens that it can name; what measures it only has its own."""

    def __init__(self, target, places, vocabulary=None):
        super().__init__()
        self.target, self.vocabulary = target, vocabulary
        self.head = None if vocabulary is None else target.head[vocabulary.tokens]
        h = target.c['hidden_size']
        self.heads = nn.ModuleList(nn.Linear((1 + place) * h, h) for place in range(1, places + 1))
        # The target's gains are in the states already: with them twice the heads begin sure of what is wrong.
        self.norm = nn.Parameter(torch.ones(h))
        self.half = torch.autocast(target.table.device.type, torch.bfloat16, enabled=target.dtype == torch.bfloat16)

    def forward(self, states, tokens):
        """By head, its state at each row from the target's `states`, before the norm. The last rows have not enough
        tokens behind them."""
        e = embedded(self.target, tokens)
        read = [states]
        for place, head in enumerate(self.heads, 1):
            read.append(shifted(e, place))
            with self.half:
                added = F.silu(head(torch.cat(read, -1)))
            yield states + added.float()

    def losses(self, texts, compare):
        x, real = padded([t['hidden'][len(self.target.layers)] for t in texts])
        states = self.target.normed(x)
        if self.training:
            states = states + NOISE * states[real].pow(2).mean().sqrt() * torch.randn_like(states)
        tokens = padded([t['tokens'] for t in texts])[0].long()
        # What is compared at a row is what comes behind its token: head k has read the state k rows before it.
        return [compare(self.target.normed(shifted(own, -place)[real], self.norm), texts)
                for place, own in enumerate(self(states, tokens), 1)]

    def tensors(self):
        own = {f'heads.{i}.{name}': p for i, head in enumerate(self.heads, 1) for name, p in head.named_parameters()}
        return {**own, 'norm.weight': self.norm}


def main():
    p = naming(training(asking(argparse.ArgumentParser())))
    p.add_argument('--places', type=int, default=4, help='heads, each a token further')
    # The first heads that were kept learned for eleven minutes (docs/decisions.md).
    p.set_defaults(lr=LR, write_minutes=12, train_minutes=11)
    args = p.parse_args()
    torch.manual_seed(1)
    target = opened(args)
    texts = answers(target, args, len(target.layers))
    vocabulary = Vocabulary.of(texts, args, len(target.table))
    drafter = Hydra(target, args.places, vocabulary)
    learn(drafter, texts, args, lambda agrees: save(drafter, args.out, target.notes(
        'hydra', places=args.places, tokens=vocabulary.notes, agrees=agrees)))


if __name__ == '__main__':
    main()
