/** What a pass of a draft model takes in the real runtime, and what it holds. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildEdgeDecoder } from '../../gpu-backend/builder/edge-decoder.ts';
import { ROOT } from '../../local/root.ts';
import type { DraftFacts } from '../../src/store/drafts.ts';
import { randomCheckpoint } from '../../test/engine/random-checkpoint.ts';
import { startWorker } from '../../test/support/worker.ts';

export interface Forward {
  /** Until it has been tried out, the runtime's own start with it. */
  createMs: number;
  /** Tokens of a context, and the time to read it. */
  contextTokens: number;
  contextMs: number;
  /** A pass over one node, eight, sixteen, behind that context; medians. */
  s1Ms: number;
  s8Ms: number;
  s16Ms: number;
  /** To make one node's logits a distribution. */
  wordMs: number;
  /** To open it again once it was closed. */
  swapMs: number;
  /** WebAssembly's memory: with the session, after passes, after it was opened again. */
  openedMB: number;
  heapMB: number;
  swappedMB: number;
  modelMB: number;
}

export interface ForwardModel {
  facts: DraftFacts;
  graph: Uint8Array<ArrayBuffer>;
}

export function bundledModel(): ForwardModel {
  const read = (name: string) => readFileSync(join(ROOT, 'models/draft', name));
  return { facts: JSON.parse(read('edge.json').toString()), graph: read('edge.onnx') };
}

/** Values of a head. */
const HEAD = 32;

/** @param shape `49152x128x4`: vocabulary, width, layers; of random weights */
export function randomModel(shape: string): ForwardModel {
  const [vocabulary = 0, hidden = 0, layers = 0] = shape.split('x').map(Number);
  const folder = mkdtempSync(join(tmpdir(), 'espalier-random-'));
  try {
    const heads = Math.max(1, hidden / HEAD);
    randomCheckpoint(
      folder,
      {
        architecture: 'LlamaForCausalLM',
        heads,
        kvHeads: heads,
        headDim: hidden / heads,
        maxPositions: 2048,
      },
      { hidden, intermediate: 3 * hidden, vocabulary, layers, tied: true },
    );
    const facts: DraftFacts = {
      id: shape,
      layers,
      width: hidden,
      vocabSize: vocabulary,
      positions: 2048,
      tokenizer: '0'.repeat(64),
    };
    return { facts, graph: Uint8Array.from(buildEdgeDecoder(folder, facts)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function measureForward({ facts, graph }: ForwardModel): Promise<Forward> {
  const worker = await startWorker({
    verifierUrl: 'http://127.0.0.1:1',
    config: 'bench/draft-model/wrangler.toml',
  });
  try {
    const headers = { 'x-facts': JSON.stringify(facts) };
    const response = await fetch(worker.url, { method: 'POST', headers, body: graph });
    if (!response.ok) throw new Error(await response.text());
    const figures = (await response.json()) as Forward;
    for (const name of Object.keys(figures) as (keyof Forward)[]) {
      figures[name] = Math.round(figures[name] * 100) / 100;
    }
    return figures;
  } finally {
    await worker.close();
  }
}
