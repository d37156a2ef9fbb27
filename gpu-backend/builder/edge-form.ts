/** The worker's form of a draft model: its graph, and what the worker has to know of it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildEdgeDecoder } from './edge-decoder.ts';
import { fingerprintModel } from './fingerprint.ts';
import { readModelFolder } from './model-folder.ts';

/** What a drafter reads and writes in a turn: its cache is sized by it. */
const MAX_POSITIONS = 2048;

export interface EdgeForm {
  graph: Uint8Array;
  facts: {
    id: string;
    layers: number;
    /** Values of a key or value row. */
    width: number;
    vocabSize: number;
    positions: number;
    /** Fingerprint. */
    tokenizer: string;
  };
}

/**
 * Of a checkpoint, leaving after `layers`, or whole. Throws `UnsupportedModelError`,
 * a RangeError for layers that there are not, and an Error without a tokenizer.
 */
export function buildEdgeForm(folder: string, layers?: number): EdgeForm {
  const { config, manifest } = readModelFolder(folder);
  const shape = {
    layers: layers ?? config.layers,
    vocabSize: Math.min(config.vocabSize, tokensOf(folder)),
  };
  return {
    graph: buildEdgeDecoder(folder, shape),
    facts: {
      id: manifest.name,
      layers: shape.layers,
      width: config.kvHeads * config.headDim,
      vocabSize: shape.vocabSize,
      positions: Math.min(MAX_POSITIONS, config.maxPositions),
      tokenizer: fingerprintModel(folder).tokenizer,
    },
  };
}

/** Ids of the tokenizer, from 0 to the highest: an embedding may have rows beyond, which are nobody's. */
function tokensOf(folder: string): number {
  const file = join(folder, 'tokenizer.json');
  if (!existsSync(file)) {
    throw new Error(`${folder} has no tokenizer.json: a draft is found by its tokenizer`);
  }
  const { added_tokens = [], model } = JSON.parse(readFileSync(file, 'utf8')) as {
    added_tokens?: { id: number }[];
    model: { vocab: Record<string, number> | unknown[] };
  };
  const { vocab } = model;
  const ids = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab);
  return [...ids, ...added_tokens.map(({ id }) => id)].reduce((a, b) => Math.max(a, b)) + 1;
}
