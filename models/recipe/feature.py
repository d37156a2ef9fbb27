"""Trains one decoder layer that continues a checkpoint's last hidden states (EAGLE, 2401.15077): at each token it
reads the token and the state behind the one before it, and learns the state and the words behind it. Drafting, it
reads its own states. So the texts are read `--passes` times: at the second every token is the second of a draft, which
reads the state that was guessed at the first, over keys and values of the target's states; and so on (HASS,
2408.15766; EAGLE-3's training-time test, 2503.01840). The target's states have some noise, as EAGLE's.

The target writes its own answers. Nothing of it is trained: its norm and head are used, of the `--vocabulary` tokens
that are likeliest in the answers.

  python feature.py --model FOLDER --out feature.safetensors
                    [--write-minutes 16] [--train-minutes 28] [--vocabulary 8192] [--passes 2]

Needs what answers.py needs; a Llama-family checkpoint.
"""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from answers import answers, asking, opened
from trainer import Vocabulary, learn, naming, padded, save, training

RIDGE = 1e-3  # of the mean square of what is read
STATE_WEIGHT = 0.5  # of the states' loss beside that of the words
NOISE = 0.2  # of the states' root mean square
KEPT = 64  # states of a question that the verifier has (gpu-backend/drafters/target-states.ts)
HIDDEN = 0.75, 0.3  # of the texts, long and short, have no states at their beginning


def hidden(asked):
    """The first token of a text whose state is known."""
    if asked > KEPT and torch.rand(1) < HIDDEN[0]:
        return asked - KEPT
    return int(torch.rand(1) * asked) if torch.rand(1) < HIDDEN[1] else 0


class Readings:
    """Keys and values of several readings of the same texts, one after the other."""

    def __init__(self):
        self.k, self.v = [], []

    def add(self, k, v):
        self.k.append(k)
        self.v.append(v)
        return torch.cat(self.k, 2), torch.cat(self.v, 2)


class Feature(nn.Module):
    def __init__(self, target, vocabulary, passes):
        super().__init__()
        c, self.target, self.vocabulary, self.passes = target.c, target, vocabulary, passes
        self.head = target.head[vocabulary.tokens]
        h = c['hidden_size']
        self.layer = target.last_layer()
        # What it adds begins as nothing: the fusion alone guesses the state at first (`fit`).
        nn.init.zeros_(self.layer.self_attn['o_proj'].weight)
        nn.init.zeros_(self.layer.mlp['down_proj'].weight)
        self.norm = nn.Parameter(target.norm.clone())
        self.embedding_norm = nn.RMSNorm(h, c['rms_norm_eps'])
        self.fusion = nn.Linear(2 * h, h, bias=False)
        self.half = torch.autocast(target.table.device.type, torch.bfloat16, enabled=target.dtype == torch.bfloat16)

    @torch.no_grad()
    def fit(self, texts):
        """The fusion by least squares, on the states before their norm's gains: what a step of learning would take hundreds for."""
        target, size = self.target, 2 * self.fusion.out_features
        both, truth = torch.zeros(size, size), torch.zeros(size, size // 2)
        for text in texts:
            states = text['hidden'][len(target.layers)].to(both.device).float()
            x = torch.cat([self.embedding_norm(target.table[text['tokens'][1:].long()]), target.normed(states)[:-1]], -1)
            both += x.T @ x
            truth += x.T @ F.rms_norm(states, states.shape[-1:])[1:]
        both += RIDGE * both.diagonal().mean() * torch.eye(size)
        self.fusion.weight.copy_(torch.linalg.solve(both, truth).T)

    def forward(self, embedded, before, mask, readings):
        n = embedded.shape[1]
        with self.half:
            x = self.fusion(torch.cat([embedded, before], -1)).float()
            x = self.layer(x, self.target.cos[:n], self.target.sin[:n], mask, readings)
        return self.target.normed(x.float(), self.norm)

    def drafts(self, tokens, states):
        """The states that it guesses behind each token: as the first of a draft, over the target's `states`, then as
        the second, and so on."""
        n = tokens.shape[1]
        embedded = self.embedding_norm(self.target.table[tokens])
        i, j = torch.arange(n)[:, None], torch.arange(n)
        readings = Readings()
        for place in range(self.passes):
            # Of the readings before this one the text up to the draft, and then one token each.
            own = [j == i - place + k for k in range(1, place + 1)]
            mask = torch.cat([j <= i - place, *own], 1)
            states = self(embedded, F.pad(states, (0, 0, 1, -1)), mask, readings)
            yield states
            states = states.detach()

    def losses(self, texts, compare):
        target = self.target
        x, real = padded([t['hidden'][len(target.layers)] for t in texts])
        truth = target.normed(x)
        scale = truth[real].pow(2).mean().sqrt()
        tokens = padded([t['tokens'] for t in texts])[0].long()
        first = torch.tensor([hidden(t['asked']) for t in texts])
        known = (torch.arange(tokens.shape[1]) >= first[:, None])[..., None]
        # Without noise a text that is read again is known by its states.
        noise = NOISE * scale * torch.randn_like(truth) if self.training else 0
        found = []
        for own in self.drafts(tokens, (truth + noise) * known):
            loss, right = compare(own[real], texts)
            off = F.smooth_l1_loss(own[real] / scale, truth[real] / scale)
            found.append((loss + STATE_WEIGHT * off, right))
        return found

    def tensors(self):
        return {**self.layer.state_dict(), 'norm.weight': self.norm, 'fusion.weight': self.fusion.weight,
                'embedding_norm.weight': self.embedding_norm.weight}


def main():
    p = naming(training(asking(argparse.ArgumentParser())))
    p.add_argument('--passes', type=int, default=2)
    args = p.parse_args()
    torch.manual_seed(1)
    target = opened(args)
    texts = answers(target, args, len(target.layers))
    vocabulary = Vocabulary.of(texts, args, len(target.table))
    drafter = Feature(target, vocabulary, args.passes)
    if not args.resume:
        drafter.fit(texts)
    learn(drafter, texts, args, lambda agrees: save(drafter, args.out, target.notes(
        'feature', tokens=vocabulary.notes, agrees=agrees)))


if __name__ == '__main__':
    main()
