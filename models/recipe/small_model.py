"""Trains a small model of a checkpoint's tokenizer that drafts for it, in a worker (`npx espalier draft add`) or beside
the verifier. It reads tokens and nothing of the target.

The target writes its own answers; the small model learns the words and the states behind them. Its table is the
target's in fewer dimensions, those that tell most of its words apart: so it knows rare tokens too, of which a short
training sees few. A state in these dimensions is what the small model should say, and is learned beside the words,
over the questions too. FastDraft (2411.11055) trains on plain text first; here there is none but the answers.

With `--exits` its first layers learn the same by themselves (S2D, 2407.01955): beside the verifier such a model drafts by
as many of its layers as pay, for each target and load.

  python small_model.py --model FOLDER --out FOLDER [--hidden 128] [--layers 4] [--exits 2] [--write-minutes 16]
                        [--train-minutes 28]

Needs what answers.py needs; a Llama-family checkpoint.
"""
import argparse
import json
import os
import shutil

import torch
import torch.nn as nn
import torch.nn.functional as F
from answers import answers, asking, opened
from target import POSITIONS, Layer, rotary
from trainer import WEIGHTS, Vocabulary, learn, padded, save, training

HEAD = 32  # dimensions
THETA = 1e5
ROW = 0.2  # root mean square of the table: what layers add to a row soon outweighs it
STATE_WEIGHT = 0.5  # of the states' loss beside that of the words
TOKENIZER = 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'


class SmallModel(nn.Module):
    def __init__(self, target, args):
        super().__init__()
        h, heads = args.hidden, args.hidden // HEAD
        self.target, self.vocabulary, self.exits = target, Vocabulary.all(len(target.table)), sorted({*args.exits})
        self.c = dict(
            architectures=['LlamaForCausalLM'], model_type='llama', vocab_size=len(target.table), hidden_size=h,
            intermediate_size=args.ff, num_hidden_layers=args.layers, num_attention_heads=heads,
            num_key_value_heads=max(1, heads // 2), head_dim=HEAD, max_position_embeddings=POSITIONS,
            rms_norm_eps=1e-5, rope_theta=THETA, hidden_act='silu', tie_word_embeddings=True, attention_bias=False,
            mlp_bias=False, dtype='float16', eos_token_id=target.c.get('eos_token_id'), draft_exits=self.exits)
        self.head = nn.Parameter(torch.zeros(len(target.table), h))
        self.layers = nn.ModuleList(Layer(self.c) for _ in range(args.layers))
        for layer in self.layers:
            for out in (layer.self_attn['o_proj'], layer.mlp['down_proj']):
                out.weight.data /= (2 * args.layers) ** 0.5
        self.norm = nn.Parameter(torch.ones(h))
        self.register_buffer('narrow', torch.zeros(target.c['hidden_size'], h))
        self.cos, self.sin = rotary(THETA, HEAD)
        self.half = torch.autocast(target.table.device.type, torch.bfloat16, enabled=target.dtype == torch.bfloat16)

    @property
    def tables(self):
        return [self.head]

    @torch.no_grad()
    def fit(self, texts):
        """The table and the way from a state to what it is in so many dimensions, which tell the likely words' logits
        best: the first singular vectors of the table over the states, tokens by how often they are likely."""
        target, size = self.target, self.target.c['hidden_size']
        spread, often = torch.zeros(size, size), torch.ones(len(target.table))
        rows = 0
        for text in texts:
            states = self.states(text)
            spread += states.T @ states
            rows += len(states)
            names = text['names'][text['asked'] - 1:].to(often.device).long().flatten()
            often += torch.bincount(names, minlength=len(often))
        values, vectors = torch.linalg.eigh(spread / rows)
        root = values.clamp(min=1e-6 * values[-1]).sqrt()
        wide = target.head.float() @ (vectors * root)
        logits, best = torch.linalg.eigh(wide.T @ (wide * often[:, None]))
        best = best[:, -self.head.shape[1]:]
        table = wide @ best
        scale = ROW / table.pow(2).mean().sqrt()
        self.head.copy_(table * scale)
        self.norm.fill_(1 / scale)
        self.narrow.copy_(vectors / root @ best)
        kept = logits[-self.head.shape[1]:].sum() / logits.sum()
        print(f'{self.head.shape[1]} of {size} dimensions keep {kept:.1%} of the logits\' squares', flush=True)

    def states(self, text):
        states = text['hidden'][len(self.target.layers)]
        return self.target.normed(states.to(self.head.device).float())

    def forward(self, tokens):
        """The states behind all layers, and then those of each exit, the deepest first."""
        n = tokens.shape[1]
        x, mask = F.embedding(tokens, self.head), torch.ones(n, n, dtype=torch.bool).tril()
        states = []
        for depth, layer in enumerate(self.layers, 1):
            x = layer(x, self.cos[:n], self.sin[:n], mask)
            if depth in self.exits or depth == len(self.layers):
                states.insert(0, F.rms_norm(x.float(), self.norm.shape, eps=self.c['rms_norm_eps']))
        return states

    def losses(self, texts, compare):
        tokens, real = padded([t['tokens'] for t in texts])
        truth = torch.cat([self.states(t) for t in texts]) @ self.narrow
        with self.half:
            states = self(tokens.long())
        found = []
        for said in states:
            loss, right = compare(said[real] * self.norm, texts)
            found.append((loss + STATE_WEIGHT * F.smooth_l1_loss(said[real], truth), right))
        return found

    def tensors(self):
        return {'model.embed_tokens.weight': self.head, 'model.norm.weight': self.norm, **{
            f'model.layers.{i}.{name}': value for i, layer in enumerate(self.layers)
            for name, value in layer.state_dict().items()}}

    def save(self, folder):
        os.makedirs(folder, exist_ok=True)
        for file in TOKENIZER:
            if os.path.exists(os.path.join(self.target.folder, file)):
                shutil.copy(os.path.join(self.target.folder, file), folder)
        with open(os.path.join(folder, 'config.json'), 'w') as file:
            json.dump(self.c, file, indent=2)
        save(self, os.path.join(folder, WEIGHTS), {'format': 'pt'})


def main():
    p = training(asking(argparse.ArgumentParser()))
    p.add_argument('--hidden', type=int, default=128, help=f'a multiple of {HEAD}')
    p.add_argument('--layers', type=int, default=4)
    p.add_argument('--ff', type=int, default=384)
    p.add_argument('--exits', type=int, nargs='*', default=[], help='numbers of its first layers that learn to draft by themselves')
    p.set_defaults(lr=2e-3)
    args = p.parse_args()
    if any(not 0 < depth < args.layers for depth in args.exits):
        p.error(f'--exits must be from 1 to {args.layers - 1}')
    torch.manual_seed(1)
    target = opened(args)
    texts = answers(target, args, len(target.layers))
    drafter = SmallModel(target, args)
    drafter.fit(texts)
    learn(drafter, texts, args, lambda _: drafter.save(args.out))


if __name__ == '__main__':
    main()
