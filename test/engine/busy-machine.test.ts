/** What a run takes beside other work teaches nothing about rows. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { CoreWatch } from '../../gpu-backend/engine/core-watch.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { SMALL, temporaryFolder } from './models.ts';

let engine: OrtEngine;
beforeAll(async () => {
  const cacheFolder = temporaryFolder();
  engine = await openEngine(SMALL, { slots: 1, maxContext: 128, threads: 1, cacheFolder });
});
afterAll(() => engine?.close());
afterEach(() => vi.restoreAllMocks());

/** Lets this process seem to have had `cores` from now on. */
function pretend(cores: number): void {
  let now = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 50));
  vi.spyOn(process, 'cpuUsage').mockImplementation((before) =>
    before ? { user: cores * 1000 * (now + 50 - began), system: 0 } : { user: 0, system: 0 },
  );
  const began = now + 50;
}

test.each([
  [1, true],
  [0.85, true],
  [0.6, false],
  [0, false],
])('a thread with %f of a core: undisturbed is %s', (cores, undisturbed) => {
  pretend(cores);
  expect(new CoreWatch(1).hadCores()).toBe(undisturbed);
});

test('a probe is heeded only where the engine had its cores', async () => {
  const before = engine.stepCost(16, 1, 0);
  pretend(0.25);
  expect(await engine.probe(16)).toBe(false);
  expect(engine.stepCost(16, 1, 0)).toBe(before);
  vi.restoreAllMocks();
  pretend(1);
  expect(await engine.probe(16)).toBe(true);
  expect(engine.stepCost(16, 1, 0)).not.toBe(before);
});
