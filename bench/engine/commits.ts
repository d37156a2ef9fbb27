/** Three ways to keep a branch of four rows: move it in host memory, move it by a graph, feed it again. */
import { readDecoderConfig } from '../../gpu-backend/builder/config.ts';
import { DeviceMemory } from '../../gpu-backend/engine/device-memory.ts';
import { DeviceCopier, HostCopier } from '../../gpu-backend/engine/kv-copy.ts';
import { KvPool } from '../../gpu-backend/engine/kv-pool.ts';
import { cpuDevice } from '../../gpu-backend/ort/tensor.ts';
import { type Bench, chain, sessionWith, timeInTurns } from './setup.ts';

const CONTEXT = 512;
const BRANCH = 4;

export interface Commits {
  hostMs: number;
  graphMs: number;
  /** What four more rows add to the next step. */
  refeedMs: number;
}

export async function commits(bench: Bench): Promise<Commits> {
  const config = readDecoderConfig(bench.model);
  const shape = {
    layers: config.layers,
    width: config.kvHeads * config.headDim,
    type: 'float32',
  } as const;
  const engine = await bench.open({ slots: 1 });
  const pool = new KvPool(cpuDevice(), shape, 1, 1024);
  const host = new HostCopier();
  const memory = await DeviceMemory.open({ threads: 1 });
  const graph = await DeviceCopier.load(shape, memory, { threads: 1 });
  const from = { pool, slot: 0, token: CONTEXT + 6 };
  const to = { pool, slot: 0, token: CONTEXT + 1 };
  try {
    const slot = await sessionWith(engine, CONTEXT, 'commits');
    const [hostMs = 0, graphMs = 0, eight = 0, twelve = 0] = await timeInTurns(bench.repeats, [
      async () => host.copy(from, to, BRANCH),
      async () => {
        graph.copy(from, to, BRANCH);
        await graph.flush();
      },
      () => engine.step([chain(slot, 8, engine.limits.vocabSize)]),
      () => engine.step([chain(slot, 8 + BRANCH, engine.limits.vocabSize, BRANCH)]),
    ]);
    return { hostMs, graphMs, refeedMs: twelve - eight };
  } finally {
    engine.close();
    graph.release();
    pool.release();
    memory.release();
  }
}
