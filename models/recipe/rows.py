"""Batches of the rows that prepare.py wrote, in order, from the first again at the end."""
import os
from glob import glob

import numpy as np
import torch


def batches(folder, size):
    """-> ids, mask [size, row], for ever. Shards written meanwhile are taken up."""
    shard = 0
    while True:
        found = len(glob(os.path.join(folder, 'rows-???.npy')))
        if found == 0:
            raise FileNotFoundError(f'no rows-NNN.npy in {folder}: run prepare.py first')
        ids, mask = (np.load(os.path.join(folder, f'{name}-{shard % found:03}.npy')) for name in ('rows', 'mask'))
        for start in range(0, len(ids) - size + 1, size):
            yield tuple(torch.from_numpy(part[start:start + size].astype(np.int64)) for part in (ids, mask))
        shard += 1


def places(mask, background, rng):
    """Flat places of a batch that get a loss: all of the answers, a share of the text -> places, their marks.

    A place is that of the token which predicts; its mark is the predicted token's.
    """
    marks = mask[:, 1:].reshape(-1)
    drawn = torch.rand(marks.shape, generator=rng) < background
    chosen = ((marks == 1) | (marks == 3) | ((marks == 0) & drawn)).nonzero()[:, 0]
    return chosen, marks[chosen]
