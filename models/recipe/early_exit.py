"""Trains one decoder layer that reads what the first layers of a checkpoint give, so that
both together draft for the whole (Kangaroo, 2404.18911, with a full layer as adapter).

The target writes its own answers; at each of its tokens the hidden state behind the first
layers and the likeliest tokens of its logits are kept, and the new layer learns from them.
Nothing of the target is trained.

  python early_exit.py --model FOLDER --tokenizer FOLDER/tokenizer.json --exit 3 --out exit.safetensors
                       [--write-minutes 16] [--train-minutes 28] [--vocabulary 16384]

Needs torch, safetensors and tokenizers; a Llama-family checkpoint without biases.
"""
import argparse
import json
import os
import random
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer

TOP = 32  # logits kept of each token: the rest of a softmax says little
BATCH = 48  # answers written at once
ANSWER = 160  # tokens of an answer at most
TOPICS = (
    'bees', 'bridges', 'bread', 'the moon', 'a garden in spring', 'maps', 'rivers', 'clocks', 'a lost dog',
    'the printing press', 'volcanoes', 'a small shop', 'winter coats', 'chess', 'the human heart', 'trains',
    'solar panels', 'a night in the desert', 'vaccines', 'cheese', 'football', 'glass', 'libraries', 'whales',
    'electric cars', 'the Roman Empire', 'poetry', 'bicycles', 'forests', 'sleep', 'money', 'music', 'earthquakes',
    'a first day at school', 'coffee', 'computers', 'a storm at sea', 'insects', 'painting a room', 'the Olympic games',
)
TASKS = (
    'Write a short story about {}.', 'Explain {} to a child.', 'Give me five facts about {}.',
    'Write a poem about {}.', 'What is important to know about {}?', 'Write a letter to a friend about {}.',
    'List the advantages and disadvantages of {}.', 'Write a Python program that has to do with {}.',
    'How has {} changed over time?', 'Ask me three questions about {} and answer them.',
    'Summarise what is known about {}.', 'Write a dialogue between two people about {}.',
    'Translate to French: I would like to know more about {}.', 'Make up a maths problem about {} and solve it.',
)


class Layer(nn.Module):
    """A Llama layer under the checkpoint's own names; keeps keys and values where it is given a cache."""

    def __init__(self, c):
        super().__init__()
        h, d, kv = c['hidden_size'], c['head_dim'], c['num_key_value_heads']
        linear = lambda i, o: nn.Linear(i, o, bias=False)
        self.c = c
        self.self_attn = nn.ModuleDict(dict(
            q_proj=linear(h, c['num_attention_heads'] * d), k_proj=linear(h, kv * d),
            v_proj=linear(h, kv * d), o_proj=linear(c['num_attention_heads'] * d, h)))
        self.mlp = nn.ModuleDict(dict(
            gate_proj=linear(h, c['intermediate_size']), up_proj=linear(h, c['intermediate_size']),
            down_proj=linear(c['intermediate_size'], h)))
        self.input_layernorm = nn.RMSNorm(h, c['rms_norm_eps'])
        self.post_attention_layernorm = nn.RMSNorm(h, c['rms_norm_eps'])

    def forward(self, x, cos, sin, mask, cache=None):
        c, a = self.c, self.self_attn
        b, t, _ = x.shape
        d = c['head_dim']
        y = self.input_layernorm(x)
        split = lambda z, heads: z.view(b, t, heads, d).transpose(1, 2)
        q = rotate(split(a['q_proj'](y), c['num_attention_heads']), cos, sin)
        k = rotate(split(a['k_proj'](y), c['num_key_value_heads']), cos, sin)
        v = split(a['v_proj'](y), c['num_key_value_heads'])
        if cache is not None:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
        x = x + a['o_proj'](y.transpose(1, 2).reshape(b, t, -1))
        y = self.post_attention_layernorm(x)
        m = self.mlp
        return x + m['down_proj'](F.silu(m['gate_proj'](y)) * m['up_proj'](y))


def rotate(x, cos, sin):
    h = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., h:], x[..., :h]], -1) * sin


class Target:
    def __init__(self, folder):
        c = self.c = json.load(open(os.path.join(folder, 'config.json')))
        c.setdefault('head_dim', c['hidden_size'] // c['num_attention_heads'])
        with safe_open(os.path.join(folder, 'model.safetensors'), 'pt') as f:
            w = {k: f.get_tensor(k).float() for k in f.keys()}
        self.table = w['model.embed_tokens.weight']
        self.head = w.get('lm_head.weight', self.table)
        self.norm = w['model.norm.weight']
        self.layers = []
        for i in range(c['num_hidden_layers']):
            at = f'model.layers.{i}.'
            layer = Layer(c)
            layer.load_state_dict({k[len(at):]: v for k, v in w.items() if k.startswith(at)})
            self.layers.append(layer.requires_grad_(False))
        inv = 1 / c.get('rope_theta', 1e4) ** (torch.arange(0, c['head_dim'], 2).float() / c['head_dim'])
        f = torch.outer(torch.arange(1024).float(), inv)
        f = torch.cat([f, f], -1)
        self.cos, self.sin = f.cos(), f.sin()

    def normed(self, x, weight=None):
        return F.rms_norm(x, (x.shape[-1],), self.norm if weight is None else weight, self.c['rms_norm_eps'])

    @torch.no_grad()
    def write(self, prompts, exit, pad, ends):
        """Answers to prompts of one batch, prompts before them: tokens, hidden states behind `exit` layers, top logits; how many tokens were asked, and whether the likeliest was said."""
        n, width = len(prompts), max(map(len, prompts))
        ids = torch.full((n, width), pad)
        seen = torch.zeros(n, width, dtype=torch.bool)
        for i, p in enumerate(prompts):  # on the left, so that all end alike
            ids[i, width - len(p):] = torch.tensor(p)
            seen[i, width - len(p):] = True
        start = width - seen.sum(1)
        caches = [[torch.zeros(n, self.c['num_key_value_heads'], 0, self.c['head_dim'])] * 2 for _ in self.layers]
        caches = [list(x) for x in caches]
        tokens, hidden, values, names = [ids], [], [], []
        over = torch.zeros(n, dtype=torch.bool)
        greedy = torch.arange(n) % 2 == 0
        for step in range(ANSWER):
            t = ids.shape[1]
            places = (torch.arange(seen.shape[1])[-t:][None] - start[:, None]).clamp(min=0)
            cos, sin = self.cos[places][:, None], self.sin[places][:, None]
            rows = torch.arange(seen.shape[1])[-t:]
            mask = seen[:, None, None, :] & (torch.arange(seen.shape[1])[None, :] <= rows[:, None])[None, None]
            mask = mask | (torch.arange(seen.shape[1])[None, :] == rows[:, None])[None, None]
            x = self.table[ids]
            for i, layer in enumerate(self.layers):
                x = layer(x, cos, sin, mask, caches[i])
                if i == exit - 1:
                    hidden.append(x.half())
            x = self.normed(x)
            top = [F.linear(part, self.head).topk(TOP, -1) for part in x.split(32, 1)]
            values.append(torch.cat([one.values for one in top], 1).half())
            names.append(torch.cat([one.indices for one in top], 1).int())
            last = values[-1][:, -1].float()
            drawn = torch.multinomial(torch.softmax(last / 0.8, -1), 1)[:, 0]
            at = torch.where(greedy, torch.zeros_like(drawn), drawn)
            next = names[-1][torch.arange(n), -1, at].long()
            over |= torch.isin(next, torch.tensor(ends))
            if over.float().mean() > 0.7:
                break
            ids = next[:, None]
            tokens.append(ids)
            seen = torch.cat([seen, ~over[:, None]], 1)
        rows = torch.cat(hidden, 1)
        count = rows.shape[1]
        said = torch.cat(tokens, 1)
        return [dict(tokens=said[i, s:e], hidden=rows[i, s:e], values=torch.cat(values, 1)[i, s:e],
                     names=torch.cat(names, 1)[i, s:e], asked=len(prompts[i]), greedy=bool(greedy[i]))
                for i, s, e in ((i, int(start[i]), int(start[i]) + int(seen[i, :count].sum())) for i in range(n))]


def train(target, texts, args):
    c = target.c
    layer = Layer(c)
    layer.load_state_dict(target.layers[-1].state_dict())
    norm = nn.Parameter(target.norm.clone())
    head = target.head[:args.vocabulary]
    held, texts = texts[:len(texts) // 20], texts[len(texts) // 20:]
    params = [*layer.parameters(), norm]
    optimizer = torch.optim.AdamW(params, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01)
    began, step, order = time.process_time(), 0, []

    def loss_of(batch):
        most = max(len(t['hidden']) for t in batch)
        x = torch.zeros(len(batch), most, c['hidden_size'])
        for i, t in enumerate(batch):
            x[i, :len(t['hidden'])] = t['hidden'].float()
        y = layer(x, target.cos[:most], target.sin[:most],
                  torch.ones(most, most, dtype=torch.bool).tril())
        real = torch.cat([torch.arange(len(t['hidden'])) + i * most for i, t in enumerate(batch)])
        y = target.normed(y.view(-1, c['hidden_size'])[real], norm)
        names = torch.cat([t['names'] for t in batch]).long()
        p = torch.softmax(torch.cat([t['values'] for t in batch]).float(), -1)
        inside = names < args.vocabulary
        logits = F.linear(y, head)
        q = torch.log_softmax(logits, -1).gather(1, names.clamp(max=args.vocabulary - 1))
        loss = -(p * inside * q).sum(-1).mean()
        right = (logits.argmax(-1) == names[:, 0]).float()
        return loss, right

    while (time.process_time() - began) < args.train_minutes * 60:
        if not order:
            order = random.sample(range(len(texts)), len(texts))
        batch = [texts[order.pop()] for _ in range(min(args.batch, len(order)))]
        if not batch:
            continue
        share = (time.process_time() - began) / (args.train_minutes * 60)
        for group in optimizer.param_groups:
            group['lr'] = args.lr * min(1, (step + 1) / 50) * max(0.02, 1 - share)
        loss, right = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            print(f'step {step}, {share:.0%}: loss {loss.item():.3f}, agrees {right.mean():.3f}', flush=True)
    with torch.no_grad():
        agrees = torch.cat([loss_of(held[i:i + args.batch])[1] for i in range(0, len(held), args.batch)]).mean()
    print(f'held out: agrees with {agrees:.3f} of the likeliest tokens, {sum(len(t["hidden"]) for t in texts)} trained on')
    return layer, norm, float(agrees)


def answers(target, args, exit):
    """Those in the file `args.kept`, or newly written ones, which it keeps."""
    if args.kept and os.path.exists(args.kept):
        return torch.load(args.kept)
    tok = Tokenizer.from_file(os.path.join(args.model, 'tokenizer.json'))
    ends = target.c['eos_token_id']
    ends = ends if isinstance(ends, list) else [ends]
    asked = [task.format(topic) for task in TASKS for topic in TOPICS]
    random.shuffle(asked)
    texts, began = [], time.process_time()
    while asked and (time.process_time() - began) < args.write_minutes * 60:
        batch, asked = asked[:BATCH], asked[BATCH:]
        chats = [tok.encode(args.chat.replace('\\n', '\n').format(question)).ids for question in batch]
        texts += target.write(chats, exit, ends[0], ends)
        print(f'{sum(len(t["hidden"]) for t in texts)} tokens written', flush=True)
    if args.kept:
        torch.save(texts, args.kept)
    return texts


def asking(p):
    """The options of who needs answers."""
    p.add_argument('--model', required=True)
    p.add_argument('--chat', default='<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n', help='a question as the model is asked it')
    p.add_argument('--kept', help='answers that were written before, or are to be kept for another training')
    p.add_argument('--write-minutes', type=float, default=16, help='of processor time, over all threads')
    return p


def main():
    p = asking(argparse.ArgumentParser())
    p.add_argument('--exit', type=int, default=3)
    p.add_argument('--out', required=True)
    p.add_argument('--train-minutes', type=float, default=28)
    p.add_argument('--vocabulary', type=int, default=16384)
    p.add_argument('--batch', type=int, default=6)
    p.add_argument('--lr', type=float, default=6e-4)
    args = p.parse_args()
    random.seed(1)
    torch.manual_seed(1)
    target = Target(args.model)
    texts = answers(target, args, args.exit)
    layer, norm, agrees = train(target, texts, args)
    tensors = {k: v.detach().half().contiguous() for k, v in layer.state_dict().items()}
    tensors['norm.weight'] = norm.detach().half().contiguous()
    save_file(tensors, args.out, metadata=dict(
        exit=str(args.exit), vocabulary=str(args.vocabulary), agrees=f'{agrees:.4f}'))


if __name__ == '__main__':
    main()
