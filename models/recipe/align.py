"""Align a draft model with a target by distillation on generated answers (DistillSpec, FastDraft), on a CPU.

Usage: align.py --docs DOCS_DIR --target TARGET_CKPT --draft DRAFT_CKPT --out OUT_CKPT --minutes M
       [--loss kl|tvd|pad] [--student-share 0.2] [--exits 2]

Rounds of two halves until the time is over. First the target (or, for `--student-share` of the batches, the draft
itself: on-policy) answers fresh prompts, grounded and not, at temperature 0 or 0.8; the target's distribution at
every answer position is kept as its 64 likeliest tokens and the mass of the rest. Then the draft learns from what
was collected. With `--exits` the same weights also serve as smaller drafts that leave after that many layers.

Losses, p the target's distribution and q the draft's:
  kl   forward KL(p || q)
  tvd  total variation, 1 - sum min(p, q): one minus the acceptance rate of speculative sampling
  pad  prefix acceptance: minus the expected number of leading tokens accepted in each run of `--run` positions,
       sum over i of prod_{j<=i} sum_x min(p_j, q_j), which weighs a position by the chance that it is reached

Reports acceptance, not loss: on held-out repositories, greedy agreement and the mean length of an accepted chain.
"""
import argparse
import json
import math
import os
import random
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from model import Config, Tiny, export_hf, from_hf, rotate
from prepare import HELD_OUT, JUNK, Maker, Section, load_sections, make_question, split_sections

TOP = 64


def sections(docs_dir, tok):
    raw = []
    for repo, name, title, text in load_sections(docs_dir):
        for t, h, blocks in split_sections(title, text):
            if h and not JUNK.match(h) and len(h) < 90:
                raw.append((repo, name, t[:60], h, blocks))
    counts = iter([len(e.ids) for e in tok.encode_batch_fast([b for s in raw for b in s[4]], add_special_tokens=False)])
    out = []
    for repo, name, t, h, blocks in raw:
        s = Section(repo, name, t, h, blocks, [next(counts) for _ in blocks])
        if s.answers(len(blocks)) and sum(s.n) >= 25:
            out.append(s)
    return [s for s in out if s.repo not in HELD_OUT], [s for s in out if s.repo in HELD_OUT]


def prompts(maker, tok, n, ungrounded, rng):
    """n prompts as token ids; a share of them without passages, as a chat without documents asks."""
    out = []
    while len(out) < n:
        s = maker.sample(rng.choice([260, 330, 400, 480]), single=True)
        if not s:
            continue
        q = s['turns'][0][0]
        if ungrounded:
            text = f'<|im_start|>user\n{q}<|im_end|>\n<|im_start|>assistant\n'
        else:
            text = f"<|im_start|>system\n{s['system']}<|im_end|>\n<|im_start|>user\n{q}<|im_end|>\n<|im_start|>assistant\n"
        out.append(tok.encode(text, add_special_tokens=False).ids)
    return out


class Cached:
    """A Tiny with a KV cache over left-padded rows."""

    def __init__(self, m, batch, room, pads):
        self.m, self.at = m, 0
        c = m.c
        self.k = [torch.zeros(batch, c.kv_heads, room, c.head_dim) for _ in m.blocks]
        self.v = [torch.zeros_like(k) for k in self.k]
        self.pads = torch.tensor(pads)

    def step(self, ids):
        m, c = self.m, self.m.c
        b, t = ids.shape
        span = torch.arange(self.at, self.at + t)
        pos = (span[None] - self.pads[:, None]).clamp(min=0)
        cos, sin = m.cos[pos][:, None], m.sin[pos][:, None]
        seen = torch.arange(self.at + t)[None, None]
        mask = (seen <= span[None, :, None]) & ((seen >= self.pads[:, None, None]) | (seen == span[None, :, None]))
        x = m.emb(ids)
        for i, blk in enumerate(m.blocks):
            qkv = blk.qkv(blk.n1(x)).view(b, t, c.heads + 2 * c.kv_heads, c.head_dim).transpose(1, 2)
            q = rotate(qkv[:, :c.heads], cos, sin)
            self.k[i][:, :, self.at:self.at + t] = rotate(qkv[:, c.heads:c.heads + c.kv_heads], cos, sin)
            self.v[i][:, :, self.at:self.at + t] = qkv[:, c.heads + c.kv_heads:]
            g = c.heads // c.kv_heads
            k = self.k[i][:, :, :self.at + t].repeat_interleave(g, 1)
            v = self.v[i][:, :, :self.at + t].repeat_interleave(g, 1)
            a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None])
            x = x + blk.o(a.transpose(1, 2).reshape(b, t, -1))
            gate, up = blk.gu(blk.n2(x)).chunk(2, -1)
            x = x + blk.down(F.silu(gate) * up)
        self.at += t
        return F.linear(m.norm(x[:, -1]), m.emb.weight)


@torch.no_grad()
def answers(writer, ps, length, temperature, eos):
    """Each prompt continued by `writer`: lists of ids, the end token included."""
    width = max(map(len, ps))
    pads = [width - len(p) for p in ps]
    ids = torch.tensor([[0] * pad + p for pad, p in zip(pads, ps)])
    state = Cached(writer, len(ps), width + length, pads)
    logits, out, done = state.step(ids), [[] for _ in ps], [False] * len(ps)
    for _ in range(length):
        if temperature > 0:
            noise = -torch.log(-torch.log(torch.rand_like(logits).clamp(1e-9, 1 - 1e-7)))
            nxt = (logits / temperature + noise).argmax(-1)
        else:
            nxt = logits.argmax(-1)
        for i, token in enumerate(nxt.tolist()):
            if not done[i]:
                out[i].append(token)
                done[i] = token in eos
        if all(done):
            break
        logits = state.step(nxt[:, None])
    return out


@torch.no_grad()
def examples(teacher, ps, outs):
    """(ids, start of the answer, the target's top tokens and probabilities at its positions)."""
    out = []
    for p, o in zip(ps, outs):
        ids = torch.tensor([p + o])
        h = teacher.hidden(ids[:, :-1])[0, len(p) - 1:]
        probs = F.linear(h, teacher.emb.weight).softmax(-1)
        top = probs.topk(TOP)
        out.append((ids[0].to(torch.int32), len(p), top.indices.to(torch.int32), top.values.half()))
    return out


def exits_of(m, ids, exits):
    """Hidden states after each of the layers in `exits`, normalised as before the head."""
    x, t, out = m.emb(ids), ids.shape[1], []
    cos, sin = m.cos[:t], m.sin[:t]
    for i, b in enumerate(m.blocks):
        x = b(x, cos, sin)
        if i + 1 in exits:
            out.append(m.norm(x))
    return out


def loss_of(kind, logits, idx, p, run):
    """Mean loss over positions in order; the tokens beyond the target's top are one class."""
    logq = logits.log_softmax(-1).gather(1, idx)
    rest_p = (1 - p.sum(-1)).clamp(min=1e-6)
    rest_q = (1 - logq.exp().sum(-1)).clamp(min=1e-6)
    if kind == 'kl':
        return -(p * logq).sum(-1).mean() - (rest_p * rest_q.log()).mean()
    accepted = torch.minimum(p, logq.exp()).sum(-1) + torch.minimum(rest_p, rest_q)
    if kind == 'tvd':
        return 1 - accepted.mean()
    whole = len(accepted) // run * run
    runs = accepted[:whole].view(-1, run) if whole else accepted[None]
    return 1 - runs.cumprod(-1).mean()


def batch_loss(draft, batch, exits, a):
    width = max(len(e[0]) for e in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    for row, e in enumerate(batch):
        ids[row, :len(e[0])] = e[0].long()
    idx, p = torch.cat([e[2] for e in batch]).long(), torch.cat([e[3] for e in batch]).float()
    total = 0
    for k, h in zip(exits, exits_of(draft, ids, exits)):
        kept = torch.cat([h[row, e[1] - 1:len(e[0]) - 1] for row, e in enumerate(batch)])
        weight = 1.0 if k == len(draft.blocks) else a.exit_weight
        logits = F.linear(kept, draft.emb.weight)
        # Overlap alone has no gradient where q is far off: a little KL leads there.
        part = loss_of(a.loss, logits, idx, p, a.run)
        if a.loss != 'kl':
            part = part + 0.1 * loss_of('kl', logits, idx, p, a.run)
        total = total + weight * part
    return total


@torch.no_grad()
def acceptance(draft, held, exits, gamma=4):
    """By exit: greedy agreement, sampled acceptance (sum min(p, q)), and mean tokens a step of a greedy chain of gamma."""
    report = {}
    for n, k in enumerate(exits):
        agree = seen = steps = tokens = 0
        overlap = 0.0
        for ids, start, idx, p in held:
            h = exits_of(draft, ids.long()[None], exits)[n][0, start - 1:-1]
            q = F.linear(h, draft.emb.weight).softmax(-1)
            ok = (q.argmax(-1) == idx[:, 0].long()).tolist()
            overlap += torch.minimum(q.gather(1, idx.long()), p.float()).sum().item()
            agree += sum(ok)
            seen += len(ok)
            i = 0
            while i < len(ok):
                j = 0
                while j < gamma and i + j < len(ok) and ok[i + j]:
                    j += 1
                i += j + 1
                steps += 1
            tokens += len(ok)
        report[k] = dict(agree=round(agree / seen, 4), overlap=round(overlap / seen, 4), chain=round(tokens / steps, 3))
    return report


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--docs', required=True)
    ap.add_argument('--target', required=True)
    ap.add_argument('--draft', required=True)
    ap.add_argument('--out', required=True)
    ap.add_argument('--minutes', type=float, required=True)
    ap.add_argument('--loss', choices=['kl', 'tvd', 'pad'], default='kl')
    ap.add_argument('--run', type=int, default=4, help='positions of a run for pad')
    ap.add_argument('--student-share', type=float, default=0.15)
    ap.add_argument('--ungrounded', type=float, default=0.5, help='share of prompts without passages')
    ap.add_argument('--exits', type=int, nargs='*', default=[], help='layers after which smaller drafts leave')
    ap.add_argument('--exit-weight', type=float, default=0.3)
    ap.add_argument('--length', type=int, default=128)
    ap.add_argument('--generate', type=int, default=32, help='prompts of a generated batch')
    ap.add_argument('--batch', type=int, default=8)
    ap.add_argument('--steps', type=int, default=16, help='training steps after each generated batch')
    ap.add_argument('--lr', type=float, default=1e-3)
    ap.add_argument('--threads', type=int, default=1)
    ap.add_argument('--seed', type=int, default=0)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    rng = random.Random(a.seed)
    tok = Tokenizer.from_file(os.path.join(a.target, 'tokenizer.json'))
    eos = {tok.token_to_id('<|im_end|>'), tok.token_to_id('<|endoftext|>')}
    train, held = sections(a.docs, tok)
    print('sections', len(train), 'held out', len(held), flush=True)
    teacher, draft = from_hf(a.target).eval(), from_hf(a.draft)
    exits = sorted(set(a.exits) | {len(draft.blocks)})
    maker, judge = Maker(train, a.seed), Maker(held, 7)

    tests = {}
    for kind in ('grounded', 'ungrounded'):
        ps = prompts(judge, tok, 32, kind == 'ungrounded', rng)
        tests[kind] = examples(teacher, ps, answers(teacher, ps, a.length, 0, eos))
    before = {kind: acceptance(draft, t, exits) for kind, t in tests.items()}
    print(json.dumps(dict(before=before)), flush=True)

    opt = torch.optim.AdamW(draft.parameters(), lr=a.lr, betas=(0.9, 0.95), weight_decay=0.01)
    t0, total, kept, step, seen = time.time(), a.minutes * 60, [], 0, 0
    while (spent := time.time() - t0) < total:
        ungrounded = rng.random() < a.ungrounded
        writer = draft if rng.random() < a.student_share else teacher
        ps = prompts(maker, tok, a.generate, ungrounded, rng)
        kept += examples(teacher, ps, answers(writer, ps, a.length, rng.choice([0, 0, 0.8]), eos))
        seen = len(kept)
        losses = []
        for _ in range(a.steps):
            progress = min(1, (time.time() - t0) / total)
            for group in opt.param_groups:
                group['lr'] = a.lr * min(1, (step + 1) / 50) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * progress)))
            # Answers of like length together, so that little is padding.
            first = rng.choice(kept)
            like = [e for e in rng.sample(kept, min(len(kept), 64)) if abs(len(e[0]) - len(first[0])) < 120]
            batch = [first] + like[:a.batch - 1]
            loss = batch_loss(draft, batch, exits, a)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(draft.parameters(), 1.0)
            opt.step()
            opt.zero_grad()
            losses.append(loss.item())
            step += 1
        if (step // a.steps) % 20 == 0:
            report = {kind: acceptance(draft, t, exits) for kind, t in tests.items()}
            print(json.dumps(dict(t=round(spent), step=step, answers=seen, loss=round(sum(losses) / len(losses), 4), **report)), flush=True)
            export_hf(draft, a.target, a.out, exits[:-1])
    export_hf(draft, a.target, a.out, exits[:-1])
    after = {kind: acceptance(draft, t, exits) for kind, t in tests.items()}
    print(json.dumps(dict(done=True, step=step, answers=seen, before=before, after=after)), flush=True)


if __name__ == '__main__':
    main()
