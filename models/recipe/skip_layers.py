"""How well a checkpoint drafts for itself with some of its attentions and MLPs left out (SWIFT, 2410.06916), and which
to leave out. Keys and values of committed text are the checkpoint's own, which it shares with its draft.

The search is greedy, where the paper draws at random and improves by Bayesian optimisation: each block is left out
alone, then again and again the one of the least harmful whose loss costs least agreement. What is found on some texts
is measured on others.

  python skip_layers.py --model FOLDER --kept answers.pt [--shares 0.3,0.4,0.5] [--texts 8] [--places 4]
"""
import argparse

import torch
import torch.nn.functional as F
from layer_parallel import Chain
from simulated import pass_ms, speed
from target import answers, asking, opened

STARTS = 40  # places of a text that a search looks at
WIDTH = 6  # blocks that are tried before each choice


def next_tokens(chain, tokens, gone):
    """A pass of each chain without the blocks `gone`: pairs of a layer's number and which half of it."""
    x = chain.target.table[tokens]
    for at in range(len(chain.target.layers)):
        for half, block in enumerate((chain.attention, chain.mlp)):
            if (at, half) not in gone:
                x = x + block(at, x)
    chain.passed += 1
    return F.linear(chain.target.normed(x), chain.target.head).argmax(-1)


def agreement(chains, gone, places, most):
    """By place, the share of chains that are the checkpoint's own up to there."""
    right, count = torch.zeros(places), 0
    for chain, asked in chains:
        starts = torch.arange(asked - 1, len(chain.tokens) - places)
        starts = starts[torch.linspace(0, len(starts) - 1, min(most, len(starts))).long()]
        chain.begin(starts)
        tokens, on = chain.tokens[starts], torch.ones(len(starts), dtype=torch.bool)
        for place in range(places):
            tokens = next_tokens(chain, tokens, gone)
            on &= tokens == chain.says[starts + place]
            right[place] += on.sum()
        count += len(starts)
    return right / count


def search(chains, blocks, most):
    """Ever larger sets of blocks to leave out, up to `most`."""
    harm = lambda gone: -float(agreement(chains, gone, 1, STARTS)[0])
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
    p.add_argument('--texts', type=int, default=8, help='half of them to search on')
    p.add_argument('--places', type=int, default=4)
    p.add_argument('--shares', default='0.3,0.4,0.5', help='of all blocks, left out')
    args = p.parse_args()
    target = opened(args)
    long = lambda t: len(t['tokens']) > t['asked'] + 32
    texts = [t for t in answers(target, args, len(target.layers)) if t['greedy'] and long(t)]
    # Those that were written at once are of like length.
    texts = texts[::max(1, len(texts) // args.texts)][:args.texts]
    chains = [(Chain(target, t['tokens'].long()), t['asked']) for t in texts]
    c = target.c
    attention = (1 + c['num_key_value_heads'] / c['num_attention_heads']) * 2 * c['hidden_size'] ** 2
    weights = attention, 3 * c['hidden_size'] * c['intermediate_size']
    blocks = [(at, half) for at in range(len(target.layers)) for half in (0, 1)]
    whole = len(target.layers) * sum(weights)
    shares = [round(float(share) * len(blocks)) for share in args.shares.split(',')]
    for gone in search(chains[::2], blocks, max(shares)):
        if len(gone) not in shares:
            continue
        agrees = agreement(chains[1::2], gone, args.places, len(chains[0][0].tokens))
        share = 1 - sum(weights[half] for _, half in gone) / whole
        own_ms = pass_ms(share)
        mat = lambda places: 1 + float(agrees[:places].sum())
        times = lambda places, mat: speed(mat, places + 1, places * own_ms)
        best = max(range(1, args.places + 1), key=lambda places: times(places, mat(places)))
        names = ' '.join(f'{at}{"am"[half]}' for at, half in sorted(gone))
        print(f'without {len(gone)} of {len(blocks)} blocks ({names}): first token agrees {agrees[0]:.3f}, '
              f'{mat(args.places):.2f} tokens a step of {1 + args.places}, pass {own_ms:.2f} ms; simulated '
              f'{times(best, mat(best)):.2f} × plain with chains of {best}, '
              f'{times(args.places, args.places + 1):.2f} × if all of {args.places} agreed', flush=True)


if __name__ == '__main__':
    main()
