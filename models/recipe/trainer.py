"""Trains a drafter on a target's answers: what early_exit.py and feature.py have in common.

A drafter has `losses(texts, vocabulary, share)`, which gives for each of its readings of the texts what
`likeness` gives, and `tensors()`, by the names of its file.
"""
import os
import random
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

HELD_OUT = 0.04  # of the answers
PAIRS = 128  # texts of like length are found among so many


def training(p):
    """The options of a training."""
    p.add_argument('--out', required=True, help='the file, which is written again and again while it learns')
    p.add_argument('--resume', action='store_true', help='go on from what --out holds')
    p.add_argument('--train-minutes', type=float, default=28, help='of processor time, over all threads')
    p.add_argument('--save-minutes', type=float, default=5)
    p.add_argument('--vocabulary', type=int, default=16384, help='of the first so many tokens are its words')
    p.add_argument('--batch', type=int, default=8)
    p.add_argument('--lr', type=float, default=6e-4)
    p.add_argument('--rows', type=float, default=0.5, help='share of the rows in a step: the vocabulary takes most of its time')
    return p


def padded(rows):
    """Rows of several texts as one tensor, and which of it are real."""
    most = max(map(len, rows))
    x = torch.zeros(len(rows), most, *rows[0].shape[1:])
    real = torch.zeros(len(rows), most, dtype=torch.bool)
    for i, own in enumerate(rows):
        x[i, :len(own)], real[i, :len(own)] = own.float(), True
    return x, real


def likeness(target, states, texts, vocabulary, share):
    """How far the words of `states`, those of all rows of all texts, are from the target's: the loss over some rows of
    the answers, and how many of the likeliest tokens are the same."""
    answer = torch.cat([torch.arange(len(t['tokens'])) >= t['asked'] - 1 for t in texts])
    kept = answer & (torch.rand(len(answer)) < share)
    names = torch.cat([t['names'] for t in texts])[kept].long()
    values = torch.cat([t['values'] for t in texts])[kept].float()
    logits = F.linear(states[kept].to(target.dtype), target.head[:vocabulary]).float()
    q = torch.log_softmax(logits, -1).gather(1, names.clamp(max=vocabulary - 1))
    loss = -(torch.softmax(values, -1) * (names < vocabulary) * q).sum(-1).mean()
    return loss, (logits.argmax(-1) == names[:, 0]).float().mean()


def batches(texts, size):
    """Endless batches of texts of like length, so that little is padded."""
    while True:
        pool = sorted(random.sample(texts, min(PAIRS, len(texts))), key=lambda t: len(t['tokens']))
        groups = [pool[i:i + size] for i in range(0, len(pool), size)]
        random.shuffle(groups)
        yield from groups


def learn(drafter, texts, args, save):
    """Trains for `args.train_minutes`; `save` is told how many held-out tokens are named as the target names them."""
    random.seed(1)
    texts = [t for t in texts if len(t['tokens']) - t['asked'] >= 8]
    held, texts = texts[:max(8, int(len(texts) * HELD_OUT))], texts[max(8, int(len(texts) * HELD_OUT)):]
    if args.resume:
        known = load_file(args.out)
        with torch.no_grad():
            for name, own in drafter.tensors().items():
                own.copy_(known[name])
    params = [p for p in drafter.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(params, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01)
    began, step, share, saved, seen = time.process_time(), 0, 0.0, 0.0, []
    print(f'{sum(len(t["tokens"]) - t["asked"] for t in texts)} tokens to learn from, '
          f'{sum(p.numel() for p in params)} parameters', flush=True)
    for batch in batches(texts, args.batch):
        for group in optimizer.param_groups:
            group['lr'] = args.lr * min(1, (step + 1) / 50) * max(0.02, 1 - share)
        losses = drafter.losses(batch, args.vocabulary, args.rows)
        loss = sum(loss for loss, _ in losses) / len(losses)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        step += 1
        minutes = (time.process_time() - began) / 60
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
    found = [[right for _, right in drafter.losses(held[i:i + args.batch], args.vocabulary, 1)]
             for i in range(0, len(held), args.batch)]
    drafter.train()
    return torch.tensor(found).mean(0).tolist()


def save(drafter, args, notes):
    tensors = {k: v.detach().half().contiguous() for k, v in drafter.tensors().items()}
    partial = f'{args.out}.partial'
    save_file(tensors, partial, metadata=notes)
    os.replace(partial, args.out)
