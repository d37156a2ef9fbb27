/** Rows of `bench:drafters` over the same prompts, each of which finds what it would find alone. */
import { randomUUID } from 'node:crypto';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { MAX_VERIFIED_NODES } from '../../src/draft/tree/budget.ts';
import { turnOf } from '../../test/support/turn.ts';
import { Decoder } from './decode.ts';
import { changed, countingClock, shared, withFreeNodes } from './free-nodes.ts';
import { openRow, type RowSetup, type TimedDrafters } from './rows.ts';
import { SimulatedTime } from './simulated.ts';

const SEED = 7;

interface Row {
  mat: number;
  tokensPerSecond: number;
  /** Before the target's step, in the median. */
  draftMs: number;
  nodesPerStep: number;
}

interface Sums {
  drafters: TimedDrafters;
  decoder: Decoder;
  tokens: number;
  steps: number;
  drafted: number;
  decodeMs: number;
}

export type Table = Record<string, Row>;
type Bench = Omit<RowSetup, 'time' | 'always'>;

/** Which rows are asked, and how. */
export interface Asked {
  rows: readonly string[];
  /** Of each answer at most. */
  tokens: number;
  stopIds: Set<number>;
  /** Nodes of each step and passes before it, whatever they cost; where absent as many as the service has. */
  fixed?: { nodes: number; passes: number } | undefined;
  simulate: boolean;
}

/** Nodes of a session that such a run reads. */
const NODES_OF_A_PASS = 8;

/** All rows over each prompt, the order turning, so that no row has the quiet moments. */
export async function measure(
  bench: Bench,
  prompts: readonly Int32Array[],
  temperature: number,
  asked: Asked,
): Promise<Table> {
  const rows: [string, Sums][] = [];
  const apart = { ...bench, engine: withoutReuse(bench.engine) };
  for (const name of asked.rows) rows.push([name, await openSums(name, apart, asked)]);
  for (const [i, prompt] of prompts.entries()) {
    const texts = new Set<string>();
    for (let k = 0; k < rows.length; k++) {
      const [name, sums] = rows[(i + k) % rows.length]!;
      const turn = turnOf({
        prompt,
        namespace: `${name} at ${temperature}`,
        seed: [SEED, i],
        warp: { temperature, topK: 0, topP: 1 },
        maxTokens: asked.tokens,
        budget: asked.fixed?.nodes ?? MAX_VERIFIED_NODES,
        stopIds: asked.stopIds,
      });
      const { tokens, steps, drafted, decodeMs } = await sums.decoder.decode(
        turn,
        sums.drafters.seat(turn),
      );
      texts.add(tokens.join(' '));
      sums.tokens += tokens.length;
      sums.steps += steps;
      sums.drafted += drafted;
      sums.decodeMs += decodeMs;
    }
    if (texts.size > 1) throw new Error(`prompt ${i}: drafting changed the answer`);
  }
  for (const [, { decoder, drafters }] of rows) {
    await decoder.close();
    drafters.close();
  }
  return Object.fromEntries(rows.map(([name, sums]) => [name, rowOf(sums)]));
}

/** Each row has a clock and a scheduler of its own: what one has learned of costs the others do not know. */
async function openSums(name: string, bench: Bench, asked: Asked): Promise<Sums> {
  const { fixed, simulate } = asked;
  const time = simulate ? new SimulatedTime() : null;
  const always = fixed && { passes: fixed.passes, nodes: NODES_OF_A_PASS };
  const drafters = await openRow(name, { ...bench, time, always });
  const nucleus = new Nucleus(bench.engine.limits.vocabSize);
  const own = fixed ? withFreeNodes(bench.engine) : shared(bench.engine);
  const clock = fixed ? countingClock() : nodeClock;
  const decoder = time
    ? new Decoder(time.target(bench.engine), nucleus, time.clock, drafters)
    : new Decoder(own, nucleus, clock, drafters);
  return { drafters, decoder, tokens: 0, steps: 0, drafted: 0, decodeMs: 0 };
}

function rowOf({ drafters, tokens, steps, drafted, decodeMs }: Sums): Row {
  const draftMs = drafters.times.toSorted((a, b) => a - b);
  return {
    mat: tokens / steps,
    tokensPerSecond: (tokens / decodeMs) * 1000,
    draftMs: draftMs[draftMs.length >> 1] ?? 0,
    nodesPerStep: drafted / steps,
  };
}

/**
 * `engine`, where every session reads all of its prompt. The rows share its slots, so what
 * a session found there would depend on the rows beside it. A network over the target's states
 * would show it: what is found in the cache comes without states.
 */
function withoutReuse(engine: OrtEngine): OrtEngine {
  return changed(engine, {
    acquire: (prompt: Int32Array, maxTokens: number) =>
      engine.acquire(prompt, maxTokens, randomUUID()),
  });
}
