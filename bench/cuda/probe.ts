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
import { type LayerCalls, layerCallsOf } from './layer-calls.ts';
import { matrixBytesOf } from './matrix-bytes.ts';
import { misplacedMatrices } from './misplaced-matrices.ts';
import { ReplayWatch } from './replay-watch.ts';

export interface ProbeOptions {
  model: string;
  compute: ComputeType;
  quantization: Quantization;
  cacheFolder: string;
  /** Rows of each session's tree. */
  rows: number;
  /** Steps are captured and replayed. */
  replayed: boolean;
}

export interface Probed {
  layers: number;
  layerCalls: LayerCalls;
  /** What the graphs share. */
  matrixBytes: number;
  vocabSize: number;
  /** Inputs that did not lie where a replayed graph reads them, and logits that came from elsewhere. */
  stale: string[];
  /** Matrices that lie on the device otherwise than in host memory. */
  misplaced: string[];
}

/** Beyond the widths that an engine captures when it opens. */
const CONTEXT = 140;
const MAX_CONTEXT = 256;
const SLOTS = 3;
const TOKENS = 90;
/** Steps before the one that is like every later one: the first of a shape allocates, a further one captures. */
const FIRST_STEPS = 3;
/** Two sessions feed fewer than blocks are multiplied with as they lie; with an idle slot between them more. */
const FEW_ROWS = 6;
/** Of a tree: a walk reads some of its rows. */
const READ_ROW = 3;
const SUCCESSORS = 8;
/** Down the left edge of a binary tree, so that commits have rows to move. */
const PATH = [0, 2, 6];

const options = JSON.parse(process.argv[2]!) as ProbeOptions;
// ONNX Runtime is loaded first: it brings the runtime that is marked.
ortLibrary();
const watch = new ReplayWatch(options.compute);
const runtime = koffi.load('libcudart.so.13');
const mark = runtime.func('void fake_cuda_mark(str)');
const refuseCapture = runtime.func('void fake_cuda_refuse_capture()');
mark('open');
const cuda = { deviceId: 0, memoryBytes: 0, everyNode: true };
const engine = await openEngine(options.model, {
  ...options,
  provider: 'cuda',
  cuda,
  memoryBytes: 2 ** 28,
  threads: 1,
  slots: SLOTS,
  maxContext: MAX_CONTEXT,
  cudaGraphs: options.replayed,
});
const stale: string[] = [];
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
  mark(`first steps of ${sessions}`);
  for (let i = 0; i < FIRST_STEPS; i++) await engine.step(slots.map((slot) => tree(slot, i)));
  mark(`step of ${sessions}`);
  const rows = slots.map((slot) => tree(slot, FIRST_STEPS));
  await engine.step(rows);
  mark('between');
  const { vocabSize } = engine.limits;
  watch.writeLogit((sessions - 1) * options.rows + READ_ROW, vocabSize, sessions);
  mark(`a row of ${sessions}`);
  const { load, logits } = rows.at(-1)!;
  load?.(READ_ROW);
  mark('between');
  if (logits[READ_ROW * vocabSize] !== sessions) stale.push('logits');
  if (options.replayed) stale.push(...watch.stale(rows));
}
for (const slot of slots) engine.commit(slot, PATH, PATH.length);
mark('step after commits');
await engine.step(slots.map((slot) => chainRow(slot, [1])));
if (options.replayed) {
  mark('steps with a refused capture');
  refuseCapture();
  for (let i = 0; i < FIRST_STEPS; i++) await engine.step([chainRow(slots[0]!, upTo(2))]);
  // A refusal must not be the end of captures.
  mark('steps of another shape');
  for (let i = 0; i < FIRST_STEPS; i++) await engine.step([chainRow(slots[0]!, upTo(4))]);
}
mark('second graph');
await engine.loadFor(2);
const beside = upTo(CONTEXT).map((i) => i % TOKENS);
const chunk = engine.acquire(Int32Array.from(beside), MAX_CONTEXT, 'a prompt beside')!;
mark('step of two lanes');
await engine.step([chainRow(slots[0]!, [1]), chainRow(chunk, beside, CONTEXT - 1)]);
mark('step around an idle slot');
await engine.step([slots[0]!, chunk].map((slot) => chainRow(slot, upTo(FEW_ROWS))));
const { prepared } = engine.parts;
mark('matrices');
const misplaced = await misplacedMatrices(prepared, cuda);
const probed: Probed = {
  layers: prepared.model.config.layers,
  layerCalls: layerCallsOf(prepared),
  matrixBytes: matrixBytesOf(prepared),
  vocabSize: engine.limits.vocabSize,
  stale,
  misplaced,
};
mark('close');
engine.close();
console.log(JSON.stringify(probed));

/** @param first token: each step has others */
function tree(slot: Slot, first: number) {
  const rows = upTo(options.rows);
  const row = treeRow(
    slot,
    rows.map((i) => i + first),
    rows.map((i) => Math.floor((i - 1) / 2)),
  );
  // As a turn steps.
  return { ...row, selective: true, top: SUCCESSORS };
}
