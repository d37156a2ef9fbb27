"""Prints, of each checkpoint that is named with its golden.json, how far the recipe's own forward pass lies from the
golden logits: recipe_logits.py RECIPE FOLDER GOLDEN [FOLDER GOLDEN …]"""
import json
import sys

import torch

recipe, *pairs = sys.argv[1:]
sys.path.insert(0, recipe)
from target import Target

for folder, golden in zip(pairs[::2], pairs[1::2]):
    target = Target(folder)
    golden = json.load(open(golden))
    tokens = torch.tensor(golden['input_ids']).reshape(1, -1)
    n = tokens.shape[1]
    x, mask = target.table[tokens], torch.ones(n, n, dtype=torch.bool).tril()
    with torch.no_grad():
        for layer in target.layers:
            x = layer(x, target.cos[:n], target.sin[:n], mask)
        logits = target.normed(x[0, -1]) @ target.head.T
    print(float((logits - torch.tensor(golden['last_logits']).flatten()).abs().max()))

# What is written says whether it came to an end: at once where every token is one, never where none is.
size = len(target.table)
ended = [target.write([tokens[0].tolist()], (), ends, torch.zeros(1))[0]['ended'] for ends in ([*range(size)], [size])]
if ended != [True, False]:
    sys.exit(f'ended: {ended}')
