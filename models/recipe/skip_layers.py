"""Searches for the attentions and MLPs that a checkpoint drafts best without (SWIFT, 2410.06916), and writes their
names, which are all that such a draft is: its weights are the checkpoint's own.

The paper draws sets at random, improves them by Bayesian optimisation on what a request has just said, and goes on so
while it answers. Here a set is found once, before the serving, on the checkpoint's own likeliest answers. The search is
greedy: each block is left out alone, then again and again the one of the least harmful whose loss costs least
agreement. What is found on half of the texts is measured on the others.

In the paper the draft shares keys and values with its target. In the verifier it keeps its own
(gpu-backend/drafters/engine-network.ts), so here it reads the whole text without the blocks.

  python skip_layers.py --model FOLDER [--kept answers.pt] [--out swift.safetensors]
                        [--shares 0.1,0.2,0.3,0.4,0.5] [--texts 8] [--places 4]

Of several shares the one is written whose chains are quickest, by simulated.py.
"""
import argparse
import os

import torch
import torch.nn.functional as F
from answers import answers, asking, opened
from safetensors.torch import save_file
from simulated import pass_ms, speed

WIDTH = 6  # blocks that are tried before each choice
LEAST = 32  # tokens of an answer that is looked at
WRITE_MINUTES = 1  # of processor time: few answers do


def words(target, tokens, gone=frozenset()):
    """What the target finds likeliest behind each token, without the blocks `gone`: pairs of a layer's number and which
    half of it."""
    n = len(tokens)
    x, causal = target.table[tokens][None], torch.ones(n, n, dtype=torch.bool).tril()
    for at, layer in enumerate(target.layers):
        if (at, 0) not in gone:
            x = layer.attend(x, target.cos[:n], target.sin[:n], causal)
        if (at, 1) not in gone:
            x = layer.feed(x)
    return F.linear(target.normed(x[0]).to(target.dtype), target.head).argmax(-1)


class Text:
    def __init__(self, target, text):
        self.target, self.tokens = target, text['tokens'].long()
        self.first = text['asked'] - 1
        self.says = words(target, self.tokens)

    def hits(self, gone):
        """Behind each token from the last asked one on, whether the word is the target's own without these blocks too."""
        return (words(self.target, self.tokens, gone) == self.says)[self.first:]


def agreement(texts, gone, places):
    """By place, the share of chains that are the target's own up to there. The text says what the target finds likeliest,
    so a chain that is right has read the text itself."""
    runs = [text.hits(gone).unfold(0, places, 1).cumprod(-1) for text in texts]
    return torch.cat(runs).float().mean(0)


def search(texts, blocks, most):
    """Ever larger sets of blocks to leave out, up to `most`."""
    harm = lambda gone: -float(agreement(texts, gone, 1)[0])
    alone = {block: harm({block}) for block in blocks}
    gone = set()
    while len(gone) < most:
        rest = sorted((b for b in blocks if b not in gone), key=alone.get)[:WIDTH]
        found = {block: harm({*gone, block}) for block in rest}
        gone.add(min(rest, key=found.get))
        # What was tried and is worse than it looked alone goes behind others.
        alone.update(found)
        yield {*gone}


@torch.no_grad()
def main():
    p = asking(argparse.ArgumentParser())
    p.set_defaults(write_minutes=WRITE_MINUTES)
    p.add_argument('--out', help='the file that names the blocks')
    p.add_argument('--texts', type=int, default=8, help='half of them to search on')
    p.add_argument('--places', type=int, default=4)
    p.add_argument('--shares', default='0.1,0.2,0.3,0.4,0.5', help='of all blocks, left out')
    args = p.parse_args()
    target = opened(args)
    long = lambda t: len(t['tokens']) > t['asked'] + LEAST
    texts = [t for t in answers(target, args) if t['greedy'] and long(t)]
    # Those that were written at once are of like length.
    texts = [Text(target, t) for t in texts[::max(1, len(texts) // args.texts)][:args.texts]]
    c = target.c
    heads = c['num_attention_heads'] + c['num_key_value_heads']
    weights = 2 * c['hidden_size'] * heads * c['head_dim'], 3 * c['hidden_size'] * c['intermediate_size']
    blocks = [(at, half) for at in range(len(target.layers)) for half in (0, 1)]
    whole = len(target.layers) * sum(weights)
    shares = {max(1, round(float(share) * len(blocks))) for share in args.shares.split(',')}
    quickest = 0
    for gone in search(texts[::2], blocks, max(shares)):
        if len(gone) not in shares:
            continue
        agrees = agreement(texts[1::2], gone, args.places)
        own_ms = pass_ms(1 - sum(weights[half] for _, half in gone) / whole)
        mat = lambda places: 1 + float(agrees[:places].sum())
        times = lambda places, mat: speed(mat, places + 1, places * own_ms)
        best = max(range(1, args.places + 1), key=lambda places: times(places, mat(places)))
        names = ' '.join(f'{at}{"am"[half]}' for at, half in sorted(gone))
        print(f'without {len(gone)} of {len(blocks)} blocks ({names}): first token agrees {agrees[0]:.3f}, '
              f'{mat(args.places):.2f} tokens a step of {1 + args.places}, pass {own_ms:.2f} ms; simulated '
              f'{times(best, mat(best)):.2f} × plain with chains of {best}, '
              f'{times(args.places, args.places + 1):.2f} × if all of {args.places} agreed', flush=True)
        if args.out and times(best, mat(best)) > quickest:
            quickest = times(best, mat(best))
            notes = target.notes('swift', without=names, agrees=f'{agrees[0]:.4f}')
            save_file({}, f'{args.out}.partial', metadata=notes)
            os.replace(f'{args.out}.partial', args.out)
            print(f'written to {args.out}', flush=True)


if __name__ == '__main__':
    main()
