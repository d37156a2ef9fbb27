"""Trains a drafter on a target's answers: what early_exit.py, feature.py, hydra.py, prompt_tokens.py
and small_model.py have in common.

A drafter has `losses(texts, compare)`, which gives for each of its readings of the texts a loss and how many words
are right, both by `compare(states, texts)`, its `vocabulary`, `head`, whose rows these are, and `tensors()`, by the
names of its file. Matrices learn by Muon, but for those in `tables`, whose rows are tokens.
"""
import functools
import math
import os
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from clock import clock
from muon import Muon
from safetensors import safe_open
from safetensors.torch import load_file, save_file

HELD_OUT = 0.04  # of the answers
LEAST = 8  # tokens of an answer that is of use
PAIRS = 128  # texts of like length are found among so many
TABLE_SHARE = 0.2  # of the rate, for tables: most of their rows are seldom read
WEIGHTS = 'model.safetensors'  # of a drafter that is a folder
LITTLE = 1e-5  # the probability of what the target's likeliest tokens leave out, at least
DRAWN = 4096  # words that a step compares beside the target's likeliest


def training(p):
    """The options of a training."""
    p.add_argument('--out', required=True, help='the file, which is written again and again while it learns')
    p.add_argument('--resume', action='store_true', help='go on from what --out holds')
    p.add_argument('--train-minutes', type=float, default=28, help='of processor time, over all threads; on a GPU, that pass')
    p.add_argument('--save-minutes', type=float, default=5)
    p.add_argument('--batch', type=int, default=8)
    p.add_argument('--lr', type=float, default=6e-4)
    p.add_argument('--rows', type=float, default=1.0, help='share of the rows whose words a step compares')
    p.add_argument('--loss', choices=LOSSES, default='forward', help='of the words: KL from the target, KL to it, '
                   'Jensen-Shannon divergence, total variation')
    return p


def naming(p):
    """The option of drafters that can name some tokens only."""
    p.add_argument('--vocabulary', type=int, default=8192, help='it can name so many tokens, those that are likeliest in the answers')
    return p


class Vocabulary:
    """The tokens that a drafter names, in rising order, and where among them each token of the vocabulary is, or −1."""

    def __init__(self, tokens, size):
        self.tokens, self.places = tokens, torch.full((size,), -1)
        self.places[tokens] = torch.arange(len(tokens))

    @staticmethod
    def all(size):
        return Vocabulary(torch.arange(size), size)

    @staticmethod
    def likeliest(texts, count, size):
        """Those that the target gives most of its probability to in what is learned from. A head is most of what a small
        layer multiplies, and few words are most of what is said (FR-Spec, 2502.14856)."""
        mass = torch.zeros(size)
        for text in split(texts)[1]:
            names, values = text['names'][text['asked'] - 1:].long(), text['values'][text['asked'] - 1:].float()
            mass.index_add_(0, names.flatten().to(mass.device), torch.softmax(values, -1).flatten().to(mass.device))
        # Byte-pair encodings number tokens by how often they occur: of two that were not seen the first.
        most = mass.argsort(descending=True, stable=True)[:count]
        print(f'{len(most)} tokens have {mass[most].sum() / mass.sum():.2%} of what is likely', flush=True)
        return Vocabulary(most.sort().values, size)

    @staticmethod
    def read(file, size):
        """That of a trained layer's file."""
        with safe_open(file, 'pt') as f:
            tokens = f.metadata().get('tokens')
        if tokens is None:
            raise SystemExit(f'{file} lists no tokens that it can name: train it anew')
        return Vocabulary(torch.tensor([int(token) for token in tokens.split()]), size)

    @staticmethod
    def of(texts, args, size):
        """The file's own with `--resume`, else the likeliest."""
        return Vocabulary.read(args.out, size) if args.resume else Vocabulary.likeliest(texts, args.vocabulary, size)

    @property
    def notes(self):
        return ' '.join(map(str, self.tokens.tolist()))


def padded(rows):
    """Rows of several texts as one tensor, and which of it are real."""
    most = max(map(len, rows))
    x = torch.zeros(len(rows), most, *rows[0].shape[1:])
    real = torch.zeros(len(rows), most, dtype=torch.bool)
    for i, own in enumerate(rows):
        x[i, :len(own)], real[i, :len(own)] = own.float(), True
    return x, real


def answered(texts, share):
    """Some rows of the answers: which of all rows, and the target's likeliest tokens behind them with their logits."""
    answer = torch.cat([torch.arange(len(t['tokens'])) >= t['asked'] - 1 for t in texts])
    kept = answer & (torch.rand(len(answer)) < share)
    of = lambda name: torch.cat([t[name] for t in texts]).to(kept.device)[kept]
    return kept, of('names').long(), of('values').float()


def likeness(head, vocabulary, states, texts):
    """How far the words of `states`, those of all rows of all texts, are from the target's: the loss over the answers,
    and how many of the likeliest tokens are the same."""
    kept, names, values = answered(texts, 1)
    logits, at = F.linear(states[kept].to(head.dtype), head).float(), vocabulary.places[names]
    return cross(logits, at.clamp(min=0), values, at >= 0), mean(logits.argmax(-1) == at[:, 0])


def sampled_likeness(head, vocabulary, share, kind, states, texts):
    """The same over some rows and some words, by the loss of this kind."""
    kept, names, values = answered(texts, share)
    return sampled_loss(head, vocabulary, states[kept], names, values, kind)


def sampled_loss(head, vocabulary, states, names, values, kind='forward'):
    """What `likeness` gives, over the words in `names` and a draw of the others: a softmax over all of them would take
    most of the time."""
    at = vocabulary.places[names]
    # One at least, so that there is something to compare.
    named = at.clamp(min=0).unique()
    drawn = torch.randint(len(head), (DRAWN,))
    drawn = drawn[~torch.isin(drawn, named)]
    rows = torch.cat([named, drawn])
    logits = F.linear(states.to(head.dtype), head[rows]).float()
    right = mean(rows[logits.argmax(-1)] == at[:, 0])
    # Each that was drawn stands for many that were not.
    stands_for = (len(head) - len(named)) / max(1, len(drawn))
    logits = logits + torch.where(torch.arange(len(rows)) < len(named), 0.0, math.log(max(1, stands_for)))
    return loss_of(kind, logits, torch.searchsorted(named, at.clamp(min=0)), values, at >= 0), right


def cross(logits, at, values, known):
    """Cross entropy with the target's likeliest tokens, at `at` among the logits where they are `known` there: the KL
    from the target's to the drafter's but for what no training changes."""
    q = torch.log_softmax(logits, -1).gather(1, at)
    return -(torch.softmax(values, -1) * known * q).sum(-1).mean()


def compared(logits, at, values, known):
    """Logarithms of what the target and the drafter give the known ones of the likeliest tokens, and all others as one."""
    p = torch.softmax(values, -1).where(known, LITTLE)
    q = torch.softmax(logits, -1).gather(1, at).where(known, LITTLE)
    with_others = lambda x: torch.cat([x, (1 - x.sum(-1, keepdim=True))], -1).clamp(min=LITTLE).log()
    return with_others(p), with_others(q)


def kl(p, q):
    return (p.exp() * (p - q)).sum(-1)


def jensen_shannon(p, q):
    between = torch.logaddexp(p, q) - math.log(2)
    return (kl(p, between) + kl(q, between)) / 2


# Of a row, between what `compared` gives.
DIVERGENCES = dict(reverse=lambda p, q: kl(q, p), jsd=jensen_shannon, tvd=lambda p, q: (p.exp() - q.exp()).abs().sum(-1) / 2)
LOSSES = ('forward', *DIVERGENCES)


def loss_of(kind, *rows):
    return cross(*rows) if kind == 'forward' else DIVERGENCES[kind](*compared(*rows)).mean()


def mean(hits):
    return hits.float().mean()


def batches(texts, size):
    """Endless batches of texts of like length, so that little is padded."""
    while True:
        pool = sorted(random.sample(texts, min(PAIRS, len(texts))), key=lambda t: len(t['tokens']))
        groups = [pool[i:i + size] for i in range(0, len(pool), size)]
        random.shuffle(groups)
        yield from groups


def split(texts):
    """Those that are held out, and those that are learned from: of each file the same for every training on it."""
    held, learned = [], []
    for file in dict.fromkeys(t['file'] for t in texts):
        own = [t for t in texts if t['file'] == file and len(t['tokens']) - t['asked'] >= LEAST]
        # Those that were written at once are of like length.
        own = random.Random(1).sample(own, len(own))
        most = max(8, int(len(own) * HELD_OUT))
        held += own[:most]
        learned += own[most:]
    return held, learned


def learn(drafter, texts, args, save):
    """Trains for `args.train_minutes`; `save` is told how many held-out tokens are named as the target names them."""
    random.seed(1)
    held, texts = split(texts)
    if not texts:
        raise SystemExit(f'{len(held)} answers are too few to hold some out and learn from others: write for longer with --write-minutes')
    compare = functools.partial(sampled_likeness, drafter.head, drafter.vocabulary, args.rows, args.loss)
    if args.resume:
        known = load_file(os.path.join(args.out, WEIGHTS) if os.path.isdir(args.out) else args.out)
        with torch.no_grad():
            for name, own in drafter.tensors().items():
                own.copy_(known[name])
    params = [p for p in drafter.parameters() if p.requires_grad]
    tables = {id(p) for p in getattr(drafter, 'tables', [])}
    matrices = [p for p in params if p.ndim == 2 and id(p) not in tables]
    others = [dict(params=[p for p in params if p.ndim < 2], share=1),
              dict(params=[p for p in params if id(p) in tables], share=TABLE_SHARE)]
    optimizers = [torch.optim.AdamW(others, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01)]
    optimizers += [Muon(matrices, args.lr)] if matrices else []
    began, step, share, saved, seen = clock(), 0, 0.0, 0.0, []
    print(f'{sum(len(t["tokens"]) - t["asked"] for t in texts)} tokens to learn from, '
          f'{sum(p.numel() for p in params)} parameters', flush=True)
    for batch in batches(texts, args.batch):
        for group in [group for optimizer in optimizers for group in optimizer.param_groups]:
            group['lr'] = group.get('share', 1) * args.lr * min(1, (step + 1) / 50) * max(0.02, 1 - share)
        losses = drafter.losses(batch, compare)
        loss = sum(loss for loss, _ in losses) / len(losses)
        drafter.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        minutes = (clock() - began) / 60
        share = minutes / args.train_minutes
        seen.append([float(loss.detach()), *(float(right) for _, right in losses)])
        if step % 25 == 0:
            mean = torch.tensor(seen).mean(0).tolist()
            print(f'step {step}, {minutes:.1f} minutes: loss {mean[0]:.3f}, agrees '
                  f'{" ".join(f"{right:.3f}" for right in mean[1:])}', flush=True)
            seen = []
        if minutes - saved >= args.save_minutes or share >= 1:
            saved = minutes
            agrees = measure(drafter, held, args)
            print(f'held out after {minutes:.1f} minutes: agrees {" ".join(f"{right:.3f}" for right in agrees)}', flush=True)
            save(f'{agrees[0]:.4f}')
        if share >= 1:
            return


@torch.no_grad()
def measure(drafter, held, args):
    drafter.eval()
    compare = functools.partial(likeness, drafter.head, drafter.vocabulary)
    found = [[right for _, right in drafter.losses(held[i:i + args.batch], compare)]
             for i in range(0, len(held), args.batch)]
    drafter.train()
    return torch.tensor(found).mean(0).tolist()


def save(drafter, file, notes):
    tensors = {k: v.detach().half().contiguous() for k, v in drafter.tensors().items()}
    partial = f'{file}.partial'
    save_file(tensors, partial, metadata=notes)
    os.replace(partial, file)
