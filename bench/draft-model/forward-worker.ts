/** A worker that does nothing but pass nodes through a draft model, which it is sent, and says how long that took. */
import { distributionOf } from '../../src/draft/model-distribution.ts';
import {
  EdgeCache,
  type EdgeModel,
  type Reading,
} from '../../src/generate/draft-model/edge-model.ts';
import { openEdgeModel } from '../../src/generate/draft-model/edge-session.ts';
import { createSession, heapBytes, Tensor } from '../../src/onnx/runtime.ts';
import type { DraftFacts } from '../../src/store/drafts.ts';

const CONTEXT = 512;
const RUNS = 60;

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method !== 'POST') return new Response('ok');
    const facts: DraftFacts = JSON.parse(request.headers.get('x-facts')!);
    const graph = await request.arrayBuffer();
    const runtime = { createSession, heapBytes, Tensor };
    const started = performance.now();
    const first = await openEdgeModel(facts, graph, runtime);
    const createMs = performance.now() - started;
    const openedBytes = heapBytes();
    const figures = await measure(first.model);
    const usedBytes = heapBytes();
    await first.close();
    const again = performance.now();
    await openEdgeModel(facts, graph, runtime);
    return Response.json({
      createMs,
      ...figures,
      swapMs: performance.now() - again,
      openedMB: openedBytes / 1e6,
      heapMB: usedBytes / 1e6,
      swappedMB: heapBytes() / 1e6,
      modelMB: graph.byteLength / 1e6,
    });
  },
};

async function measure(edge: EdgeModel) {
  const contextMs = await time(() => readContext(new EdgeCache(edge, 2 * CONTEXT)), 5);
  const cache = new EdgeCache(edge, 2 * CONTEXT);
  await readContext(cache);
  const s1Ms = await time(() => readNodes(cache, 1), RUNS);
  const s8Ms = await time(() => readNodes(cache, 8), RUNS);
  const s16Ms = await time(() => readNodes(cache, 16), RUNS);
  const logits = await readNodes(cache, 1);
  const sampling = { temperature: 0, noise: null };
  const wordMs = await time(async () => distributionOf(logits, CONTEXT, sampling), RUNS);
  return { contextTokens: CONTEXT, contextMs, s1Ms, s8Ms, s16Ms, wordMs };
}

async function readContext(cache: EdgeCache): Promise<void> {
  for (let from = 0; from < CONTEXT; from += 64) {
    const readings = Array.from({ length: 64 }, (_, i) => reading(cache, from + i, true));
    await cache.read(readings, []);
  }
}

async function readNodes(cache: EdgeCache, count: number): Promise<Float32Array> {
  const readings = Array.from({ length: count }, () => reading(cache, CONTEXT, false));
  const logits = await cache.read(
    readings,
    readings.map((_, i) => i),
  );
  for (const { row } of readings) cache.release(row);
  return logits;
}

function reading(cache: EdgeCache, position: number, committed: boolean): Reading {
  return { token: 300 + position, position, row: cache.reserve(), sees: [], committed };
}

/** Median of `runs`, in milliseconds. */
async function time(run: () => Promise<unknown>, runs: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    await run();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[runs >> 1]!;
}
