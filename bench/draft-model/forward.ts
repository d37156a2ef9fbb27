/** What a pass of the draft model takes in the real runtime, and what it holds. */
import { startWorker } from '../../test/support/worker.ts';

export interface Forward {
  createMs: number;
  /** Tokens of a context, and the time to read it. */
  contextTokens: number;
  contextMs: number;
  /** A pass over one node, eight, sixteen, behind that context; medians. */
  s1Ms: number;
  s8Ms: number;
  s16Ms: number;
  /** WebAssembly's memory, the session in it. */
  heapMB: number;
  modelMB: number;
}

export async function measureForward(): Promise<Forward> {
  const worker = await startWorker({
    verifierUrl: 'http://127.0.0.1:1',
    config: 'bench/draft-model/wrangler.toml',
  });
  try {
    const figures = (await (await fetch(`${worker.url}/forward`)).json()) as Forward;
    for (const name of Object.keys(figures) as (keyof Forward)[]) {
      figures[name] = Math.round(figures[name] * 100) / 100;
    }
    return figures;
  } finally {
    await worker.close();
  }
}
