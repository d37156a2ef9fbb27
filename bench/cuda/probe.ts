/**
 * One model in one format on CUDA: prompts, trees of several sessions, commits, the end. It
 * runs in a process of its own, on the fake runtime, and marks the parts of its trace.
 *
 *   probe.ts <options as JSON>
 *
 * Prints what it ran as JSON, a `Probed`.
 */
import koffi from 'koffi';
import type { Quantization } from '../../gpu-backend/builder/quantization.ts';
import type { ComputeType } from '../../gpu-backend/builder/tensor-reader.ts';
import type { Slot } from '../../gpu-backend/engine/engine.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { ortLibrary } from '../../gpu-backend/ort/library.ts';
import { chainRow, treeRow, upTo } from '../../test/engine/driver.ts';
import { matrixBytesOf } from './matrix-bytes.ts';

export interface ProbeOptions {
  model: string;
  compute: ComputeType;
  quantization: Quantization;
  cacheFolder: string;
  /** Rows of each session's tree. */
  rows: number;
}

export interface Probed {
  layers: number;
  /** What the graphs share. */
  matrixBytes: number;
}

const CONTEXT = 80;
const MAX_CONTEXT = 128;
const SLOTS = 3;
const TOKENS = 90;
/** Down the left edge of a binary tree, so that commits have rows to move. */
const PATH = [0, 2, 6];

const options = JSON.parse(process.argv[2]!) as ProbeOptions;
// ONNX Runtime is loaded first: it brings the runtime that is marked.
ortLibrary();
const mark = koffi.load('libcudart.so.13').func('void fake_cuda_mark(str)');
mark('open');
const engine = await openEngine(options.model, {
  ...options,
  provider: 'cuda',
  cuda: { deviceId: 0, memoryBytes: 0, everyNode: true },
  memoryBytes: 2 ** 28,
  threads: 1,
  slots: SLOTS,
  maxContext: MAX_CONTEXT,
});
const slots: Slot[] = [];
for (const sessions of [1, 2]) {
  while (slots.length < sessions) {
    const prompt = upTo(CONTEXT).map((i) => (i * 7 + slots.length) % TOKENS);
    const slot = engine.acquire(Int32Array.from(prompt), MAX_CONTEXT, `session ${slots.length}`)!;
    mark('prompt');
    await engine.step([chainRow(slot, prompt, CONTEXT - 1)]);
    engine.commit(slot, upTo(CONTEXT), CONTEXT);
    slots.push(slot);
  }
  // The first step of a shape allocates; the second is what every later one is like.
  await engine.step(slots.map(tree));
  mark(`step of ${sessions}`);
  await engine.step(slots.map(tree));
  mark('between');
}
for (const slot of slots) engine.commit(slot, PATH, PATH.length);
mark('step after commits');
await engine.step(slots.map((slot) => chainRow(slot, [1])));
mark('second graph');
await engine.loadFor(2);
const chunk = engine.acquire(Int32Array.from(upTo(CONTEXT)), MAX_CONTEXT, 'a prompt beside')!;
mark('step of two lanes');
await engine.step([chainRow(slots[0]!, [1]), chainRow(chunk, upTo(CONTEXT), CONTEXT - 1)]);
const { prepared } = engine.parts;
const probed: Probed = {
  layers: prepared.model.config.layers,
  matrixBytes: matrixBytesOf(prepared),
};
mark('close');
engine.close();
console.log(JSON.stringify(probed));

function tree(slot: Slot) {
  const tokens = upTo(options.rows);
  return treeRow(
    slot,
    tokens,
    tokens.map((row) => Math.floor((row - 1) / 2)),
  );
}
