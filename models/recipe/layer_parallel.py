"""How much a checkpoint loses as a draft whose layers read a common input (EasySpec, 2502.02493): the
attentions of N consecutive layers, or the whole layers, read what the first of them reads. Keys and values
of committed text are exact, as after the paper's calibrating pass; a chain's own are not. Its chain is
compared with what the checkpoint says by itself; the first layer stays as it is. With `--without`, how
much it loses without some of its layers (SWIFT, 2410.06916).

  python layer_parallel.py --model FOLDER --kept answers.pt [--texts 12] [--places 4] [--groups 1,2,3,4]
                           [--without 29 28,29]
"""
import argparse

import torch
import torch.nn.functional as F
from answers import answers, asking, opened
from simulated import pass_ms, speed
from target import Cache, rotate

# Of the target's weights: a parallel draft of 1B, a device a layer of its groups; what leaves layers out is the target
# itself.
DRAFT = 1 / 8


class Chain:
    """Chains after many places of one text at once, a token of each chain a pass."""

    def __init__(self, target, tokens):
        self.target, self.tokens = target, tokens
        shape = 'num_attention_heads', 'num_key_value_heads', 'head_dim'
        self.heads, self.kv, self.width = (target.c[name] for name in shape)
        n = len(tokens)
        x, self.exact = target.table[tokens][None], []
        causal = torch.ones(n, n, dtype=torch.bool).tril()
        for layer in target.layers:
            cache = Cache(1, target.c, n)
            x = layer(x, target.cos[:n], target.sin[:n], causal, cache)
            self.exact.append([cache.k[0], cache.v[0]])
        self.says = F.linear(target.normed(x[0]), target.head).argmax(-1)

    def begin(self, starts):
        """`starts`: rows of the tokens that were committed last; the cache ends before them."""
        self.starts, self.passed = starts, 0
        self.own = [[] for _ in self.target.layers]

    def attention(self, at, x):
        """Of layer `at`, over exact rows before the start and the chain's own."""
        t, layer = self.target, self.target.layers[at]
        y, s = layer.input_layernorm(x), len(x)
        place = self.starts + self.passed
        turn = lambda z, heads: rotate(z.view(s, heads, self.width), t.cos[place][:, None], t.sin[place][:, None])
        q, k = turn(layer.self_attn['q_proj'](y), self.heads), turn(layer.self_attn['k_proj'](y), self.kv)
        v = layer.self_attn['v_proj'](y).view(s, self.kv, self.width)
        self.own[at].append((k, v))
        q = q.view(s, self.kv, -1, self.width)
        keys, values = self.exact[at]
        before = torch.einsum('skgd,knd->skgn', q, keys)
        before = before.masked_fill(torch.arange(keys.shape[1]) >= self.starts[:, None, None, None], -torch.inf)
        since = torch.stack([torch.einsum('skgd,skd->skg', q, k) for k, _ in self.own[at]], -1)
        p = torch.softmax(torch.cat([before, since], -1) / self.width ** 0.5, -1)
        out = torch.einsum('skgn,knd->skgd', p[..., :keys.shape[1]], values)
        for i, (_, v) in enumerate(self.own[at]):
            out = out + p[..., keys.shape[1] + i, None] * v[:, :, None]
        return layer.self_attn['o_proj'](out.reshape(s, -1))

    def mlp(self, at, x):
        layer = self.target.layers[at]
        y, m = layer.post_attention_layernorm(x), layer.mlp
        return m['down_proj'](F.silu(m['gate_proj'](y)) * m['up_proj'](y))

    def next(self, tokens, groups, whole=False):
        """One token of each chain, by the layers of `groups`; those of one read a common input."""
        t = self.target
        x = t.table[tokens]
        for group in groups:
            attended = [self.attention(at, x) for at in group]
            if whole:
                x = x + sum(a + self.mlp(at, x + a) for at, a in zip(group, attended))
                continue
            for at, a in zip(group, attended):
                x = x + a
                x = x + self.mlp(at, x)
        self.passed += 1
        return F.linear(t.normed(x), t.head).argmax(-1)


def measure(texts, chains, places, *draft):
    """How many chains there were, the share whose first token is the checkpoint's own, and tokens a step."""
    right, count = torch.zeros(places), 0
    for text, chain in zip(texts, chains):
        starts = torch.arange(text['asked'] - 1, len(chain.tokens) - places)
        chain.begin(starts)
        tokens, on = chain.tokens[starts], torch.ones(len(starts), dtype=torch.bool)
        for place in range(places):
            tokens = chain.next(tokens, *draft)
            on &= tokens == chain.says[starts + place]
            right[place] += on.sum()
        count += len(starts)
    return count, float(right[0]) / count, 1 + float(right.sum()) / count


@torch.no_grad()
def main():
    p = asking(argparse.ArgumentParser())
    p.add_argument('--texts', type=int, default=12)
    p.add_argument('--places', type=int, default=4)
    p.add_argument('--groups', default='1,2,3,4')
    p.add_argument('--without', nargs='*', default=[], help='layers, like 28,29')
    args = p.parse_args()
    target = opened(args)
    long = lambda t: len(t['tokens']) > t['asked'] + 16
    texts = [t for t in answers(target, args, len(target.layers)) if t['greedy'] and long(t)][:args.texts]
    chains = [Chain(target, t['tokens'].long()) for t in texts]
    c, layers = target.c, range(len(target.layers))
    ones = (1 + c['num_key_value_heads'] / c['num_attention_heads']) * 2 * c['hidden_size'] ** 2
    attention = ones / (ones + 3 * c['hidden_size'] * c['intermediate_size'])
    print(f'{len(texts)} texts; attention is {attention:.0%} of a layer')

    def report(name, share, *draft):
        """`share`: of the target's time that a pass takes."""
        count, first, mat = measure(texts, chains, args.places, *draft)
        own_ms = pass_ms(share)
        times = speed(mat, args.places + 1, args.places * own_ms)
        print(f'{name}: {count} chains, first token agrees {first:.3f}, {mat:.2f} tokens a step of {1 + args.places}, '
              f'pass {own_ms:.2f} ms, {times:.2f} × plain', flush=True)

    for size in map(int, args.groups.split(',')):
        groups = [[0], *(list(layers[i:i + size]) for i in range(1, len(layers), size))]
        report(f'attention of {size}', DRAFT * (1 - attention + attention / size), groups)
        if size > 1:
            report(f'whole layers, {size}', DRAFT / size, groups, True)
    for some in args.without:
        gone = {int(at) for at in some.split(',')}
        report(f'without {some}', 1 - len(gone) / len(layers), [[at] for at in layers if at not in gone])


if __name__ == '__main__':
    main()
