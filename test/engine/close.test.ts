/** An engine that is closed frees things in an order that a device survives. */
import { expect, it, vi } from 'vitest';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { ortLibrary } from '../../gpu-backend/ort/library.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();

// The CUDA provider aborts the process where a session goes before memory that came from it.
it('frees keys and values before the sessions whose memory they may lie in', async () => {
  const engine = await openEngine(SMALL, { slots: 3, maxContext: 128, threads: 1, cacheFolder });
  const { pools } = engine.parts;
  const views = pools.flatMap((pool) => pool.view(0, 1, 32));
  const release = vi.spyOn(ortLibrary(), 'release');
  const blocks = vi.spyOn(pools[0]!.blocks[0]!, 'release');
  engine.close();
  const calls = release.mock.calls.map(([name, address]) => ({ name, address }));
  const graphGone = calls.findIndex(({ name }) => name === 'ReleaseSession');
  const last = Math.max(
    ...views.map(({ value }) => calls.findIndex(({ address }) => address === value)),
  );
  expect(last).toBeGreaterThanOrEqual(0);
  expect(graphGone).toBeGreaterThan(last);
  const order = release.mock.invocationCallOrder[graphGone]!;
  expect(blocks.mock.invocationCallOrder[0]).toBeLessThan(order);
});
