/** A worker that does nothing but pass nodes through the draft model, and says how long that took. */
import facts from '../../models/draft/edge.json';
import model from '../../models/draft/edge.onnx';
import {
  EdgeCache,
  type EdgeModel,
  type Reading,
} from '../../src/generate/draft-model/edge-model.ts';
import { createSession, heapBytes, Tensor } from '../../src/onnx/runtime.ts';

const CONTEXT = 512;
const RUNS = 60;

export default {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== '/forward') return new Response('ok');
    const started = performance.now();
    const session = await createSession(model);
    const createMs = performance.now() - started;
    const edge: EdgeModel = { facts, session, Tensor };
    const contextMs = await time(() => readContext(new EdgeCache(edge, 2 * CONTEXT)), 5);
    const cache = new EdgeCache(edge, 2 * CONTEXT);
    await readContext(cache);
    const one = await time(() => readNodes(cache, 1), RUNS);
    const eight = await time(() => readNodes(cache, 8), RUNS);
    const sixteen = await time(() => readNodes(cache, 16), RUNS);
    return Response.json({
      createMs,
      contextTokens: CONTEXT,
      contextMs,
      s1Ms: one,
      s8Ms: eight,
      s16Ms: sixteen,
      heapMB: heapBytes() / 1e6,
      modelMB: model.byteLength / 1e6,
    });
  },
};

async function readContext(cache: EdgeCache): Promise<void> {
  for (let from = 0; from < CONTEXT; from += 64) {
    const readings = Array.from({ length: 64 }, (_, i) => reading(cache, from + i, true));
    await cache.read(readings, []);
  }
}

async function readNodes(cache: EdgeCache, count: number): Promise<void> {
  const readings = Array.from({ length: count }, () => reading(cache, CONTEXT, false));
  await cache.read(
    readings,
    readings.map((_, i) => i),
  );
  for (const { row } of readings) cache.release(row);
}

function reading(cache: EdgeCache, position: number, committed: boolean): Reading {
  return { token: 300 + position, position, row: cache.reserve(), sees: [], committed };
}

/** Median of `runs`, in milliseconds. */
async function time(run: () => Promise<void>, runs: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    await run();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[runs >> 1]!;
}
