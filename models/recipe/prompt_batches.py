"""How many texts are written at once."""
from target import ANSWER

ROOM = 256  # tokens of a text, up to which a batch has all its texts: caches take what is read


def prompt_batches(prompts, size):
    """Splits prompts, sorted by length, into batches of at most `size`, and of fewer where they are long."""
    batch = []
    for prompt in prompts:
        if batch and (len(batch) + 1) * max(ROOM, len(prompt) + ANSWER) > size * ROOM:
            yield batch
            batch = []
        batch.append(prompt)
    if batch:
        yield batch
