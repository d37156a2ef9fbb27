/** The verifier shows the cost curve that its trees are sized by, as it stands. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import type { Engine } from '../../gpu-backend/engine/engine.ts';
import { exposeEngine } from '../../gpu-backend/engine/exposition.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { startVerifier, type Verifier } from '../../gpu-backend/link/server.ts';
import { chainRow } from './driver.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
let engine: Engine;
let verifier: Verifier;

beforeAll(async () => {
  engine = await openEngine(SMALL, { slots: 3, maxContext: 256, threads: 1, cacheFolder });
  const door = { host: '127.0.0.1', port: 0, keys: [], audiences: [] };
  verifier = await startVerifier(readModelFolder(SMALL), engine, door);
});
afterAll(() => verifier?.close());

/** Samples of the page by name and labels. */
async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(`${verifier.url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const samples = (await response.text()).split('\n').filter((line) => /^[^#]/.test(line));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

const step = (rows: number, sessions: number, context: number) =>
  `espalier_verifier_step_seconds{rows="${rows}",sessions="${sessions}",context="${context}"}`;

it('shows slots and costs, of no more sessions and context than there can be', async () => {
  const samples = await scrape();
  expect(samples.get('espalier_verifier_slots')).toBe(3);
  expect(samples.get('espalier_verifier_sessions')).toBe(0);
  expect(samples.get(step(8, 2, 256))).toBe(engine.stepCost(8, 2, 256) / 1000);
  expect(samples.has(step(1, 2, 256))).toBe(false);
  expect(samples.has(step(8, 4, 256))).toBe(false);
  expect(samples.has(step(8, 1, 1024))).toBe(false);
});

it('shows what each network beside was asked and brought, where there are any', async () => {
  const room = { size: 0, waited: { seconds: 0, turns: 0 }, refused: 0 };
  expect(exposeEngine(engine, 0, room, [])).not.toContain('espalier_verifier_draft_');
  const page = exposeEngine(engine, 0, room, [
    {
      network: 'self',
      steps: 9,
      passes: 7,
      milliseconds: 1500,
      verifyMilliseconds: 250,
      tokens: -2,
    },
    {
      network: 'a "b"\\c\n',
      steps: 1,
      passes: 0,
      milliseconds: 0,
      verifyMilliseconds: 0,
      tokens: 0,
    },
  ]);
  const self = '{network="self"}';
  expect(page).toContain(`\nespalier_verifier_draft_steps_total${self} 9\n`);
  expect(page).toContain(`\nespalier_verifier_draft_passes_total${self} 7\n`);
  expect(page).toContain(`\nespalier_verifier_draft_seconds_total${self} 1.5\n`);
  expect(page).toContain(`\nespalier_verifier_draft_verify_seconds_total${self} 0.25\n`);
  expect(page).toContain(`\nespalier_verifier_draft_tokens${self} -2\n`);
  expect(page).toContain('\nespalier_verifier_draft_steps_total{network="a \\"b\\"\\\\c\\n"} 1\n');
});

it('says that it is exact, and what that was checked on', async () => {
  expect((await scrape()).get('espalier_verifier_exact')).toBe(1);
  const health = await (await fetch(`${verifier.url}/health`)).json();
  expect(health.exact).toBe(true);
  expect(health.exactness.nodes).toBeGreaterThan(10);
  expect(health.exactness).toEqual({
    nodes: health.exactness.nodes,
    equal: health.exactness.nodes,
    largestDifference: 0,
  });
  expect(await (await fetch(`${verifier.url}/model`)).json()).toMatchObject({ exact: true });
});

it('says what it computes in', async () => {
  const health = await (await fetch(`${verifier.url}/health`)).json();
  expect(health.type).toBe('float32');
});

it('shows what was learnt since', async () => {
  const before = (await scrape()).get(step(4, 1, 256));
  const slot = engine.acquire(Int32Array.of(1), 64, 'alone')!;
  await engine.step([chainRow(slot, [1, 2, 3, 4])]);
  engine.release(slot);
  const after = (await scrape()).get(step(4, 1, 256));
  expect(after).not.toBe(before);
  expect(after).toBe(engine.stepCost(4, 1, 256) / 1000);
});
