"""
Trains the sentence encoder: a vector a token, summed and normalised.

    python train.py --docs DOCS --out OUT [--minutes 12] [--threads 1]

Pairs of a question and the passage that answers it are made from sections: its
title and heading, a sentence taken out of it, or some telling words of one. A
batch holds whole documents, so that a passage's rivals are its neighbours, as
in a store. The loss is InfoNCE in both directions. Vectors start as random
directions as long as the token's idf: before any training that is tf-idf
through a random projection, and a token that training never meets stays so.
"""
import argparse
import json
import math
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from sections import read_documents

DIMENSIONS = 256
VOCABULARY = 16_384
BATCH = 768
TEMPERATURE = 0.05
PASSAGE_TOKENS = (40, 220)
QUESTION_TOKENS = 40
SECTIONS_A_DOCUMENT = 12
FRAMES = """{} | {} | {} | {} | what is {}? | how do i use {}? | how does {} work? | how to {} | why {}?
what does it say about {}? | which {}? | can you explain {}? | tell me about {} | when should {}?
what are the effects of {}? | who {}? | how many {}? | according to the text, {}? | what was {}?
what did the author report regarding {}? | is {} possible? | where is {}?""".replace("\n", " | ").split(" | ")


def make_tokenizer(texts):
    """Byte-level BPE over lower-cased words without accents; punctuation is dropped."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    words = pre_tokenizers.Split(Regex(r"\p{L}+|\p{N}{1,4}"), behavior="removed", invert=True)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode_documents(tokenizer, documents):
    """Each section as (title ids, heading ids, [sentence ids])."""
    encoded = []
    for sections in documents:
        flat = [t for title, heading, sentences in sections for t in (title, heading, *sentences)]
        ids = iter([e.ids for e in tokenizer.encode_batch(flat, add_special_tokens=False)])
        encoded.append([(next(ids), next(ids), [next(ids) for _ in s]) for _, _, s in sections])
    return encoded


def idf_of(documents, size):
    seen, total = Counter(), 0
    for sections in documents:
        for title, heading, sentences in sections:
            total += 1
            seen.update(set(title) | set(heading) | {t for s in sentences for t in s})
    return np.array([math.log(1 + total / (1 + seen[i])) for i in range(size)], np.float32)


class Pairs:
    def __init__(self, documents, frames, idf, rng):
        self.documents, self.frames, self.idf, self.rng = documents, frames, idf, rng

    def question(self, title, heading, sentences):
        """Ids of a question, and the index of the sentence it was taken from or None."""
        rng = self.rng
        kind = rng.random()
        taken = None
        if kind < 0.3 and heading:
            ids = title + heading if rng.random() < 0.5 else list(heading)
        else:
            candidates = [i for i, s in enumerate(sentences) if len(s) >= 6]
            if not candidates:
                return (title + heading), None
            taken = rng.choice(candidates)
            ids = sentences[taken][:QUESTION_TOKENS]
            if kind > 0.7:
                keep = rng.randint(3, 8)
                telling = sorted(set(ids), key=lambda t: -self.idf[t] * rng.uniform(0.5, 1.5))
                kept = set(telling[:keep])
                ids = [t for t in ids if t in kept]
            else:
                ids = [t for t in ids if rng.random() > 0.25] or ids
        before, after = rng.choice(self.frames)
        return before + ids + after, taken

    def passage(self, title, heading, sentences, taken):
        rng = self.rng
        # Mostly without the sentence: what is left must be known by its meaning.
        drop = taken is not None and len(sentences) > 2 and rng.random() < 0.6
        near = taken if taken is not None else 0
        length = rng.randint(*PASSAGE_TOKENS)
        first = max(0, near - rng.randint(0, 4))
        ids = title + heading if rng.random() < 0.7 else []
        for i in range(first, len(sentences)):
            if drop and i == taken:
                continue
            ids = ids + sentences[i]
            if len(ids) >= length:
                break
        return ids[: PASSAGE_TOKENS[1] + 20]

    def batch(self):
        questions, passages = [], []
        while len(questions) < BATCH:
            sections = self.rng.choice(self.documents)
            chosen = self.rng.sample(sections, min(len(sections), SECTIONS_A_DOCUMENT))
            for title, heading, sentences in chosen:
                question, taken = self.question(title, heading, sentences)
                passage = self.passage(title, heading, sentences, taken)
                if question and passage:
                    questions.append(question)
                    passages.append(passage)
        return questions[:BATCH], passages[:BATCH]


def embed(table, lists):
    """A token counts 1 + ln of how often it stands there: see graph.py, which does the same."""
    counts = [Counter(ids) for ids in lists]
    flat = torch.tensor([t for bag in counts for t in bag])
    weights = torch.tensor([1 + math.log(n) for bag in counts for n in bag.values()])
    starts = torch.tensor(np.cumsum([0] + [len(bag) for bag in counts[:-1]]))
    summed = torch.nn.functional.embedding_bag(
        flat, table, starts, mode="sum", per_sample_weights=weights
    )
    return torch.nn.functional.normalize(summed, dim=-1)


def held_out_score(table, documents, pairs, count=1500):
    """Mean reciprocal rank of headings against the sections of all held-out documents."""
    sections = [s for d in documents for s in d if s[1]][:count]
    with torch.no_grad():
        q = embed(table, [title + heading for title, heading, _ in sections])
        p = embed(table, [sum(s, [])[:200] or [0] for _, _, s in sections])
        scores = q @ p.T
        own = scores.diagonal().unsqueeze(1)
        return (1 / (scores >= own).sum(1)).mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--docs", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)

    train, held_out = read_documents(args.docs)
    print(f"{len(train)} documents, {sum(map(len, train))} sections; held out {len(held_out)}", flush=True)
    tokenizer = make_tokenizer(" ".join((t, h, *s)) for d in train for t, h, s in d)
    tokenizer.save(str(out / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    documents, unseen = encode_documents(tokenizer, train), encode_documents(tokenizer, held_out)
    idf = idf_of(documents, size)
    frames = [tuple(tokenizer.encode(part).ids for part in frame.split("{}")) for frame in FRAMES]
    pairs = Pairs(documents, frames, idf, rng)

    start = torch.randn(size, DIMENSIONS) / math.sqrt(DIMENSIONS) * torch.tensor(idf)[:, None] / idf.mean()
    table = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.Adam([table], lr=0.0)
    print(f"{size} tokens, step 0: held out {held_out_score(table, unseen, pairs):.3f}", flush=True)
    began, step = time.time(), 0
    while (share := (time.time() - began) / (args.minutes * 60)) < 1:
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1, step / 50) * 0.5 * (1 + math.cos(math.pi * share))
        questions, passages = pairs.batch()
        scores = embed(table, questions) @ embed(table, passages).T / TEMPERATURE
        labels = torch.arange(len(questions))
        loss = (
            torch.nn.functional.cross_entropy(scores, labels)
            + torch.nn.functional.cross_entropy(scores.T, labels)
        ) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % 100 == 0:
            print(f"step {step} {share:.0%} loss {loss.item():.3f} held out {held_out_score(table, unseen, pairs):.3f}", flush=True)
            np.save(out / "table.npy", table.detach().numpy())
    np.save(out / "table.npy", table.detach().numpy())
    facts = {"steps": step, "batch": BATCH, "seed": args.seed, "heldOutReciprocalRank": held_out_score(table, unseen, pairs)}
    (out / "facts.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(facts)


main()
