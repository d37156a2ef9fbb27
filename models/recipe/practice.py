"""Rows of spans that stand twice, with a loss on the second time only: copying and nothing else."""
from lookalikes import invent, near_copy


def copy_span(rng, tokenizer, text, room):
    """Named near-copies of one piece of text, then some of them again by name -> (ids, loss mask)"""
    start = rng.randrange(max(1, len(text) - 400))
    piece = text[start:start + rng.randint(40, 300)]
    family = invent(rng)
    names = [f'{next(family)} {next(family)}' for _ in range(rng.randint(1, 3))]
    spans = [piece] + [near_copy(piece, rng, 0.25) for _ in names[1:]]
    ids, mask = [], []

    def add(text, loss):
        found = tokenizer.encode(text, add_special_tokens=False).ids
        ids.extend(found)
        mask.extend([loss] * len(found))
    for name, span in zip(names, spans):
        add(f'> {name}\n', 2)
        add(f'{span}\n\n', 2)
    for place in rng.sample(range(len(names)), len(names)):
        add(f'> {names[place]}\n', 2)
        add(f'{spans[place]}\n\n', 1)
    return ids[:room], mask[:room]
