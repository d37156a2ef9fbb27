"""Trains prompt tokens for a checkpoint (PPD, 2405.18628, without ensembles): embeddings, one a place, that stand
behind a text in the target's own pass. What the target says at them names tokens beyond the next one. They do not see
the token that comes next, so nothing else has to be computed first.

The target writes its own answers. Nothing of it is trained, and its norm and head are used as they are. Each step
takes a run of the whole target and back.

  python prompt_tokens.py --model FOLDER --out ppd.safetensors
                          [--write-minutes 5] [--train-minutes 10] [--places 3]

Needs what answers.py needs; a Llama-family checkpoint.
"""
import argparse

import torch
import torch.nn as nn
from answers import answers, asking, opened
from target import Cache
from trainer import Vocabulary, learn, save, training

SPARSE = 4  # rows of an answer of which one has prompt tokens behind it


class PromptTokens(nn.Module):
    def __init__(self, target, places):
        super().__init__()
        self.target, self.places, self.head = target, places, target.head
        self.vocabulary = Vocabulary.all(len(target.head))
        table = target.table
        self.prompts = nn.Parameter(table.mean(0) + table.std() * torch.randn(places, table.shape[1]))
        # Few rows and no matrix that anything is multiplied by.
        self.tables = [self.prompts]

    def forward(self, tokens, ends):
        """The target's states at the prompt tokens behind each of the rows `ends`: [ends, places, hidden]."""
        target, n, p = self.target, len(tokens), self.places
        ends = ends.repeat_interleave(p)
        place = torch.arange(p).repeat(len(ends) // p)
        own = (ends[:, None] == ends) & (place <= place[:, None])
        mask = torch.cat([torch.arange(n) <= ends[:, None], own], 1)
        cos, sin = target.cos[ends + 1 + place], target.sin[ends + 1 + place]
        x, y = target.table[tokens][None], self.prompts[place][None]
        causal = torch.ones(n, n, dtype=torch.bool).tril()
        for layer in target.layers:
            cache = Cache(1, target.c, n + len(ends))
            with torch.no_grad():
                x = layer(x, target.cos[:n], target.sin[:n], causal, cache)
            y = layer(y, cos, sin, mask, cache)
        return target.normed(y[0]).view(-1, p, y.shape[-1])

    def losses(self, texts, compare):
        """Each place's word is compared with what the target says so many tokens after the end."""
        found = [([], []) for _ in range(self.places)]
        for text in texts:
            first = text['asked'] - 1 + (int(torch.randint(SPARSE, (1,))) if self.training else 0)
            ends = torch.arange(first, len(text['tokens']) - self.places, SPARSE)
            if len(ends) == 0:
                continue
            states = self(text['tokens'].long(), ends)
            for k, (own, truth) in enumerate(found):
                rows = ends + 1 + k
                own.append(states[:, k])
                # As a text of the rows alone, all of them the answer's.
                truth.append({**{name: text[name][rows] for name in ('tokens', 'names', 'values')}, 'asked': 1})
        return [compare(torch.cat(own), truth) for own, truth in found]

    def tensors(self):
        return dict(prompts=self.prompts)


def main():
    p = training(asking(argparse.ArgumentParser()))
    p.add_argument('--places', type=int, default=3, help='prompt tokens, which name as many tokens beyond the next one')
    # They learn slowly and by little: five times as quickly as the trainer lets tables learn.
    # The kept ones learned for ten minutes, and hardly more after five (docs/decisions.md).
    p.set_defaults(lr=0.05, batch=2, write_minutes=5, train_minutes=10)
    args = p.parse_args()
    torch.manual_seed(1)
    target = opened(args)
    texts = answers(target, args, len(target.layers))
    drafter = PromptTokens(target, args.places)
    learn(drafter, texts, args, lambda agrees: save(drafter, args.out, target.notes('ppd', agrees=agrees)))


if __name__ == '__main__':
    main()
