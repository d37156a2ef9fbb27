/** Which runs of a graph are captured, replayed, and executed as they come. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { InputArena } from '../../gpu-backend/engine/input-arena.ts';
import type { KvPool } from '../../gpu-backend/engine/kv-pool.ts';
import { type Lane, ownLane } from '../../gpu-backend/engine/lane.ts';
import { LaneRunner } from '../../gpu-backend/engine/lane-runner.ts';
import { Replays } from '../../gpu-backend/engine/replays.ts';
import { KvSlot } from '../../gpu-backend/engine/slots.ts';
import { StepOutputs } from '../../gpu-backend/engine/step-outputs.ts';
import type { InferenceSession } from '../../gpu-backend/ort/inference-session.ts';
import { cpuDevice, type Tensor } from '../../gpu-backend/ort/tensor.ts';

const VOCABULARY = 4;
const STRIDE = 1088;
const pool = { stride: STRIDE, blocks: [{ address: 7n }], view: () => [] } as unknown as KvPool;
const slot = new KvSlot(pool, 0, 1024);

/** Host memory stands for the device's: it is only addressed. */
const host = cpuDevice();
const logits = new StepOutputs('logits', VOCABULARY, host);
const arena = new InputArena('float32');
const replays = new Replays({ ...host, host }, 'float32', STRIDE, 1, [logits]);

/** Graphs of the runs so far, and the tokens' place in each. */
const runs: { graph: number | undefined; tokens: bigint }[] = [];
const failing = new Set<number>();
let tokens = 0n;
const session = {
  bind: () => ({
    input: (name: string, { address }: Tensor) => {
      if (name === 'input_ids') tokens = address;
    },
    output: () => {},
  }),
  run: async (_: unknown, { graph }: { graph?: number }) => {
    runs.push({ graph, tokens });
    if (graph !== undefined && failing.has(graph)) throw new Error('not while capturing');
  },
} as unknown as InferenceSession;

function laneOf(count: number): Lane {
  const row = {
    slot,
    count,
    tokens: Int32Array.from({ length: count }, (_, i) => i),
    parents: Int16Array.from({ length: count }, (_, i) => i - 1),
    logitsFrom: 0,
    logits: new Float32Array(0),
  };
  return { ...ownLane({ slot, row }, 1), rows: count, width: 128 };
}

let runner: LaneRunner;
let warn: ReturnType<typeof vi.spyOn>;
beforeEach(() => {
  runs.length = 0;
  failing.clear();
  logits.reserve(8);
  warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  runner = new LaneRunner(session, 1, {
    layers: 0,
    compute: 'float32',
    attention: 'fused',
    batchedLanes: true,
    features: 0,
    arena,
    logits,
    hidden: null,
    top: null,
    peaks: null,
    fixedShapes: true,
    replays,
    scratch: slot,
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

it('a shape is executed, captured, and then replayed', async () => {
  for (let i = 0; i < 4; i++) await runner.run([laneOf(2)], 0);
  expect(runs.map(({ graph }) => graph)).toEqual([undefined, 1, 1, 1]);
  expect(warn).not.toHaveBeenCalled();
});

it('a shape that cannot be captured is executed in the same step, and ever after', async () => {
  failing.add(1);
  for (let i = 0; i < 4; i++) await runner.run([laneOf(2)], 0);
  expect(runs.map(({ graph }) => graph)).toEqual([undefined, 1, undefined, undefined, undefined]);
  const captured = replays.inputs.upload.to;
  expect(runs[1]!.tokens).toBe(captured);
  expect(runs[2]!.tokens).not.toBe(captured);
  expect(warn).toHaveBeenCalledExactlyOnceWith('a step was not captured: not while capturing');
});

it('a further shape is captured under a number that no capture failed under', async () => {
  failing.add(1);
  for (const count of [2, 2, 4, 4, 4]) await runner.run([laneOf(count)], 0);
  expect(runs.map(({ graph }) => graph)).toEqual([undefined, 1, undefined, undefined, 2, 2]);
});

it('a replay that fails is not run again: its step fails', async () => {
  for (let i = 0; i < 2; i++) await runner.run([laneOf(2)], 0);
  failing.add(1);
  await expect(runner.run([laneOf(2)], 0)).rejects.toThrow('not while capturing');
});
