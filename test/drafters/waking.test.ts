/** A session that comes while the scheduler is about to rest is served all the same. */
import { expect, test } from 'vitest';
import { Decoder } from '../../bench/drafters/decode.ts';
import { shared } from '../../bench/drafters/free-nodes.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { SMALL, temporaryFolder } from '../engine/models.ts';
import { turnOf } from '../support/turn.ts';

test('whichever turn of the loop it comes in', { timeout: 20_000 }, async () => {
  const cacheFolder = temporaryFolder();
  const engine = await openEngine(SMALL, { slots: 1, maxContext: 64, threads: 1, cacheFolder });
  for (let microtasks = 0; microtasks < 12; microtasks++) {
    const decoder = new Decoder(shared(engine), new Nucleus(96), nodeClock);
    for (let i = 0; i < microtasks; i++) await null;
    const turn = turnOf({ prompt: Int32Array.of(3, 4, 5), maxTokens: 4 });
    const { tokens } = await decoder.decode(turn, null);
    expect(tokens).toHaveLength(4);
    await decoder.close();
  }
  engine.close();
});
