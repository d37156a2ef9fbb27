"""Tries published draft heads on the last hidden states of a checkpoint: Medusa's (2401.10774), Hydra's
(2402.05109), Chimera's (2402.15758) and Falcon's (2412.12639). Each drafts a chain of tokens. What a chain brings is
measured on answers that it was not trained on; its time is said, as an 8B model on an H100 takes it
(bench/drafters/simulated.ts). Nothing is written that the service could use. With `--feature`, the layer that
feature.py has trained on the same answers is measured alike.

  python heads.py --model FOLDER --kept answers.pt [--heads medusa,hydra,chimera,falcon] [--places 4]
                  [--minutes 10] [--feature feature.safetensors]

Built from the papers' text; each class says where it departs from its own. Needs what answers.py needs.
"""
import argparse
import random
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from answers import answers, asking, opened
from feature import Feature
from hydra import Hydra, embedded, shifted
from safetensors.torch import load_file
from simulated import pass_ms, speed
from trainer import Vocabulary, naming, sampled_loss, split

MEASURED = 2  # alignments of a chain to a text, at most
LAYER, HEAD, SQUARE = 0.027, 0.004, 0.002  # shares of 8.03B weights: a layer, a head of 8k tokens, a matrix of 4,096²


class Head(nn.Module):
    """`passes`: the share of the target's time that each of a chain takes; `rows`: those that the target verifies."""

    def __init__(self, target, places, passes, alignments=1):
        super().__init__()
        self.places, self.passes, self.alignments = places, passes, alignments
        self.rows = places + 1
        self.norm = nn.Parameter(target.norm.clone())


class Medusa(Head):
    """A residual block a place, all in one pass."""

    def __init__(self, target, places):
        super().__init__(target, places, [places * SQUARE + HEAD])
        h = target.c['hidden_size']
        self.blocks = nn.ModuleList(nn.Linear(h, h) for _ in range(places))

    def forward(self, target, hidden, tokens, _):
        x = target.normed(hidden)
        return [x + F.silu(block(x)) for block in self.blocks]


class Sequential(Head):
    """Hydra's heads: Medusa's, each also over the embeddings of the tokens before its own, drafted ones too. A pass a
    place."""

    def __init__(self, target, places):
        super().__init__(target, places, [(2 + place) * SQUARE + HEAD for place in range(places)])
        self.drafter = Hydra(target, places)
        self.norm = self.drafter.norm

    def forward(self, target, hidden, tokens, _):
        yield from self.drafter(target.normed(hidden), tokens)


class Chimera(Head):
    """A trigram encoder over the embeddings of the last three tokens, drafted ones too; a full-context layer
    over the target's states of what is committed and the trigrams of what is drafted since; a residual block
    a place from the target's last state. A pass a place. The layer begins as the target's last one."""

    def __init__(self, target, places):
        super().__init__(target, places, [LAYER + 5 * SQUARE + HEAD] * places)
        h = target.c['hidden_size']
        self.wide, self.narrow = nn.Linear(3 * h, h), nn.Linear(h, h, bias=False)
        self.layer = target.last_layer()
        self.blocks = nn.ModuleList(nn.Linear(h, h, bias=False) for _ in range(places))
        for block in self.blocks:
            nn.init.eye_(block.weight)

    def forward(self, target, hidden, tokens, _):
        n = hidden.shape[1]
        e = embedded(target, tokens)
        g = self.narrow(F.silu(self.wide(torch.cat([shifted(e, -2), shifted(e, -1), e], -1))))
        rows = torch.cat([hidden, g], 1)
        cos, sin = target.cos[:n].repeat(2, 1), target.sin[:n].repeat(2, 1)
        i, j = torch.arange(n)[:, None], torch.arange(n)[None]
        states = torch.cat([i == j, torch.zeros(n, n, dtype=torch.bool)], 1)
        out = []
        for place, block in enumerate(self.blocks, 1):
            # The trigram at row i drafts for row i − place: it sees states up to there, and trigrams since.
            seen = torch.cat([j <= i - place, (j > i - place) & (j <= i)], 1)
            y = self.layer(rows, cos, sin, torch.cat([states, seen]))[:, n:]
            out.append(shifted(y, place) + block(hidden))
        return out


class Falcon(Head):
    """A semi-autoregressive block: an LSTM, attention in which the rows of a block see each other, an LSTM.
    The last `places` rows give as many tokens in one pass. Attention is a whole layer, which begins as the
    target's last one; glancing distillation, which lets training see some of the answer, is left out."""

    def __init__(self, target, places):
        super().__init__(target, places, [LAYER + 18 * SQUARE + HEAD], places)
        h = target.c['hidden_size']
        self.fused = nn.Linear(2 * h, h, bias=False)
        nn.init.zeros_(self.fused.weight)
        nn.init.eye_(self.fused.weight.data[:, :h])
        self.first, self.second = (nn.LSTM(h, h, batch_first=True) for _ in range(2))
        self.layer = target.last_layer()

    def forward(self, target, hidden, tokens, at):
        """Blocks end at rows `at`, `at` + places, …: only these are answered for."""
        n, k = hidden.shape[1], self.places
        z = self.fused(torch.cat([hidden, shifted(embedded(target, tokens), 1)], -1))
        z = z + self.first(z)[0]
        block = (torch.arange(n) - at - 1).div(k, rounding_mode='floor')
        z = self.layer(z, target.cos[:n], target.sin[:n], block[None] <= block[:, None])
        z = z + self.second(z)[0]
        return [shifted(z, place - k)[:, at::k] for place in range(1, k + 1)]


class Continued(Head):
    """The layer of feature.py: a pass a place, each over the state of the one before it."""

    def __init__(self, target, vocabulary, places, file):
        super().__init__(target, places, [LAYER + 2 * SQUARE + HEAD] * places)
        self.drafter = Feature(target, vocabulary, places)
        known = load_file(file)
        with torch.no_grad():
            for name, own in self.drafter.tensors().items():
                own.copy_(known[name])
        # Its states come through its own norm; another one changes no order of words.
        nn.init.ones_(self.norm)

    def forward(self, target, hidden, tokens, _):
        for place, state in enumerate(self.drafter.drafts(tokens, target.normed(hidden)), 1):
            yield shifted(state, place)


class Trial:
    """A head with what it learns from and is measured on."""

    def __init__(self, target, head, vocabulary):
        self.target, self.head, self.vocabulary = target, head, vocabulary
        self.table = target.head[vocabulary.tokens].float()

    def read(self, text, at):
        """For each place: the states to read off from, and the rows that have the truth, −1 outside the answer."""
        hidden, tokens = text['hidden'][len(self.target.layers)].float()[None], text['tokens'].long()[None]
        rows = torch.arange(hidden.shape[1])[at::self.head.alignments]
        for place, state in enumerate(self.head(self.target, hidden, tokens, at), 1):
            there = (rows + place >= text['asked'] - 1) & (rows + place < hidden.shape[1])
            yield self.target.normed(state[0], self.head.norm), torch.where(there, rows + place, -1)

    def loss(self, text):
        losses = []
        for state, truth in self.read(text, random.randrange(self.head.alignments)):
            kept = truth >= 0
            names, values = text['names'][truth[kept]].long(), text['values'][truth[kept]].float()
            losses.append(sampled_loss(self.table, self.vocabulary, state[kept], names, values)[0])
        return sum(losses) / len(losses)

    def train(self, texts, args):
        params = [p for p in self.head.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(params, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01)
        began, step, share = time.process_time(), 0, 0.0
        while share < 1:
            for group in optimizer.param_groups:
                group['lr'] = args.lr * min(1, (step + 1) / 50) * max(0.02, 1 - share)
            batch = random.sample(texts, args.batch)
            optimizer.zero_grad()
            loss = sum(self.loss(text) for text in batch) / len(batch)
            loss.backward()
            nn.utils.clip_grad_norm_(params, 1.0)
            optimizer.step()
            step += 1
            share = (time.process_time() - began) / (args.minutes * 60)
            if step % 50 == 0:
                print(f'  step {step}, {share:.0%}: loss {loss.item():.3f}', flush=True)
        return step

    @torch.no_grad()
    def measure(self, texts):
        """By place, how often the draft is what the target says where all before it were; and tokens a step."""
        reached, right = torch.zeros(self.head.places), torch.zeros(self.head.places)
        for text in texts:
            for at in range(min(MEASURED, self.head.alignments)):
                on = None
                for place, (state, truth) in enumerate(self.read(text, at)):
                    if on is None:  # ends of chains from the last asked token on that are whole
                        rows = torch.arange(len(text['tokens']))[at::self.head.alignments]
                        on = (rows >= text['asked'] - 1) & (rows + self.head.places < len(text['tokens']))
                    reached[place] += on.sum()
                    said = self.vocabulary.tokens[F.linear(state, self.table).argmax(-1)]
                    on = on & (said == text['names'][truth, 0])
                    right[place] += on.sum()
        return (right / reached).tolist(), 1 + float((right / reached[0]).sum())


def main():
    p = naming(asking(argparse.ArgumentParser()))
    p.add_argument('--heads', default='medusa,hydra,chimera,falcon')
    p.add_argument('--feature', help='the file of a layer that feature.py has trained, to be measured too')
    p.add_argument('--places', default='4', help='tokens of a chain; several numbers try several chains')
    p.add_argument('--minutes', type=float, default=10, help='of processor time, to train each')
    p.add_argument('--batch', type=int, default=6)
    p.add_argument('--lr', type=float, default=6e-4)
    args = p.parse_args()
    target = opened(args)
    texts = answers(target, args, len(target.layers))
    vocabulary = Vocabulary.likeliest(texts, args.vocabulary, len(target.table))
    held, learned = split(texts)
    long = lambda t: len(t['tokens']) - t['asked'] > 16
    held, learned = [t for t in held if long(t) and t['greedy']], [*filter(long, learned)]
    count = lambda some: sum(len(t['tokens']) - t['asked'] for t in some)
    print(f'{count(learned)} tokens to learn from, {count(held)} held out, all of them greedy')
    kinds = dict(medusa=Medusa, hydra=Sequential, chimera=Chimera, falcon=Falcon)

    def report(name, trial):
        agrees, mat = trial.measure(held)
        head = trial.head
        times = speed(mat, head.rows, sum(map(pass_ms, head.passes)))
        print(f'{name}: agrees {" ".join(f"{a:.3f}" for a in agrees)}, {mat:.2f} tokens a step, '
              f'simulated {times:.2f} × plain', flush=True)

    for places in map(int, args.places.split(',')):
        if args.feature:
            own = Vocabulary.read(args.feature, len(target.table))
            report(f'{args.feature}, {places} places', Trial(target, Continued(target, own, places, args.feature), own))
        for name in filter(None, args.heads.split(',')):
            random.seed(1)
            torch.manual_seed(1)
            trial = Trial(target, kinds[name](target, places), vocabulary)
            report(f'{name}, {places} places, {trial.train(learned, args)} steps', trial)


if __name__ == '__main__':
    main()
