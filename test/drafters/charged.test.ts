/** What a network takes is charged to the network: it must not stop the other drafts. */
import { expect, test, vi } from 'vitest';
import { Decoder } from '../../bench/drafters/decode.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import type { LocalDrafters } from '../../gpu-backend/drafters/local-drafters.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { TreeSizing } from '../../gpu-backend/turn/tree-sizing.ts';
import { SMALL, temporaryFolder } from '../engine/models.ts';
import { turnOf } from '../support/turn.ts';

const cacheFolder = temporaryFolder();

test('drafting as a whole is not charged for what was prepared', async () => {
  const engine = await openEngine(SMALL, { slots: 1, maxContext: 128, threads: 1, cacheFolder });
  let ms = 0;
  const settled: number[] = [];
  const drafters: LocalDrafters = {
    spent: null,
    seat: () => new EchoDrafter(),
    prepare: async () => {
      ms += 500;
    },
    settle: (_, stepMs) => {
      settled.push(stepMs);
    },
    close: () => {},
  };
  const charged = vi.spyOn(TreeSizing.prototype, 'settle');
  const clock = { ...nodeClock, now: () => ms };
  const decoder = new Decoder(engine, new Nucleus(96), clock, drafters);
  const turn = turnOf({ prompt: Int32Array.of(3, 4, 5), maxTokens: 8 });
  await decoder.decode(turn, drafters.seat(turn));
  await decoder.close();
  engine.close();
  expect(charged.mock.calls.length).toBeGreaterThan(1);
  expect(charged.mock.calls.map((call) => call[2])).toEqual(charged.mock.calls.map(() => 0));
  expect(settled).toEqual(settled.map(() => 0));
  charged.mockRestore();
});
