"""Trains one decoder layer that reads what the first layers of a checkpoint give, so that
both together draft for the whole (Kangaroo, 2404.18911, with a full layer as adapter).

The target writes its own answers; at each of its tokens the hidden state behind the first
layers and the likeliest tokens of its logits are kept, and the new layer learns from them.
Nothing of the target is trained.

  python early_exit.py --model FOLDER --exit 3 --out kangaroo.safetensors
                       [--write-minutes 16] [--train-minutes 28] [--vocabulary 8192]

Needs what answers.py needs; a Llama-family checkpoint.
"""
import argparse

import torch
import torch.nn as nn
from answers import answers, asking, opened
from trainer import Vocabulary, learn, naming, padded, save, training


class Exit(nn.Module):
    def __init__(self, target, vocabulary, exit):
        super().__init__()
        self.target, self.vocabulary, self.exit = target, vocabulary, exit
        self.head = target.head[vocabulary.tokens]
        self.layer = target.last_layer()
        self.norm = nn.Parameter(target.norm.clone())

    def losses(self, texts, compare):
        x, real = padded([t['hidden'][self.exit] for t in texts])
        most = x.shape[1]
        y = self.layer(x, self.target.cos[:most], self.target.sin[:most], torch.ones(most, most, dtype=torch.bool).tril())
        y = self.target.normed(y[real], self.norm)
        return [compare(y, texts)]

    def tensors(self):
        return {**self.layer.state_dict(), 'norm.weight': self.norm}


def main():
    p = naming(training(asking(argparse.ArgumentParser())))
    p.add_argument('--exit', type=int, default=3)
    args = p.parse_args()
    torch.manual_seed(1)
    target = opened(args)
    texts = answers(target, args, args.exit)
    vocabulary = Vocabulary.of(texts, args, len(target.table))
    drafter = Exit(target, vocabulary, args.exit)
    learn(drafter, texts, args, lambda agrees: save(drafter, args.out, target.notes(
        'kangaroo', exit=args.exit, tokens=vocabulary.notes, agrees=agrees)))


if __name__ == '__main__':
    main()
