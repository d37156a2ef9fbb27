/**
 * The verifier over the bundled target, or ESPALIER_MODEL, with steps that take at least so many
 * milliseconds: the pace of a target worth drafting for. The bundled one takes a
 * step in less time than any draft model takes a pass. POST /<milliseconds> to
 * CONTROL_PORT sets the pace; 0 is the target's own.
 */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { addModel } from '../../gpu-backend/builder/add-model.ts';
import type { Engine, Slot } from '../../gpu-backend/engine/engine.ts';
import { computeTypeFor, DEFAULT_CACHE_FOLDER, openEngine } from '../../gpu-backend/engine/open.ts';
import { readEngineSettings } from '../../gpu-backend/engine/settings.ts';
import { startVerifier } from '../../gpu-backend/link/server.ts';
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import { parseLinkKeys } from '../../src/link/protocol/index.ts';

let pace = 0;

class PacedPlan implements GrowingStep {
  private readonly step: GrowingStep;

  constructor(step: GrowingStep) {
    this.step = step;
  }

  get cost(): number {
    return Math.max(pace, this.step.cost);
  }

  add(index: number): void {
    this.step.add(index);
  }
}

function paced(engine: Engine): Engine {
  return new Proxy(engine, {
    get(target, name) {
      if (name === 'step') return (rows: Parameters<Engine['step']>[0]) => step(target, rows);
      if (name === 'plan') return (slots: readonly Slot[]) => new PacedPlan(target.plan(slots));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function step(engine: Engine, rows: Parameters<Engine['step']>[0]): Promise<void> {
  const started = performance.now();
  await engine.step(rows);
  const left = pace - (performance.now() - started);
  if (left > 0) await sleep(left);
}

async function main(): Promise<void> {
  const settings = readEngineSettings(process.env);
  const model = await addModel(process.env.ESPALIER_MODEL ?? 'models/target', {
    cacheFolder: DEFAULT_CACHE_FOLDER,
    compute: computeTypeFor(settings),
    download: {},
    onProgress: () => {},
  });
  const port = Number(process.env.PORT);
  await startVerifier(model, paced(await openEngine(model.path, settings)), {
    host: '127.0.0.1',
    port,
    keys: parseLinkKeys(process.env.LINK_KEYS),
    audiences: [`http://127.0.0.1:${port}`],
  });
  createServer((request, response) => {
    pace = Number(request.url!.slice(1));
    response.end();
  }).listen(Number(process.env.CONTROL_PORT), '127.0.0.1');
}

await main();
