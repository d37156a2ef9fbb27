/** RAPID's transfer from a network beside the engine, through the verifier's own scheduler. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Decoded, Decoder } from '../../bench/drafters/decode.ts';
import { countingClock, withFreeNodes } from '../../bench/drafters/free-nodes.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { ScriptedNetwork } from '../drafters/scripted-network.ts';
import { SMALL, temporaryFolder } from '../engine/models.ts';
import { turnOf } from '../support/turn.ts';

const TOKENS = 24;
/** What the network is sure of everywhere, and the target nowhere. */
const SURE = 7;

let engine: OrtEngine;
beforeAll(async () => {
  const cacheFolder = temporaryFolder();
  engine = await openEngine(SMALL, { slots: 2, maxContext: 160, threads: 1, cacheFolder });
});
afterAll(() => engine.close());

/** Turns at once, by what they ask for. */
async function answers(
  transfers: readonly number[],
  temperature: number,
  network: ScriptedNetwork,
): Promise<Decoded[]> {
  const clock = countingClock();
  const drafters = new NetworkedDrafters([network], clock);
  const decoder = new Decoder(withFreeNodes(engine), new Nucleus(96), clock, drafters);
  const decoded = await Promise.all(
    transfers.map((transfer, i) => {
      const turn = turnOf({
        prompt: Int32Array.from({ length: 70 + i }, (_, at) => (at * 31) % 96),
        namespace: `${i}`,
        seed: [9, i],
        warp: { temperature, topK: 0, topP: 1 },
        maxTokens: TOKENS,
        transfer,
      });
      return decoder.decode(turn, drafters.seat(turn));
    }),
  );
  await decoder.close();
  return decoded;
}

const sure = () => new ScriptedNetwork(96, () => [[SURE, 1]]);

test('a network that is sure moves what it was asked about', async () => {
  const [plain] = await answers([0], 1, sure());
  const [moved] = await answers([50], 1, sure());
  expect(plain!.moved).toBe(0);
  expect(plain!.tokens).not.toContain(SURE);
  expect(moved!.moved).toBeGreaterThan(TOKENS / 2);
  expect(moved!.tokens.filter((token) => token === SURE)).toHaveLength(moved!.moved);
});

test('a turn beside it draws what it draws alone', async () => {
  const [, alone] = await answers([0, 0], 1, sure());
  const [moved, beside] = await answers([50, 0], 1, sure());
  expect(moved!.moved).toBeGreaterThan(0);
  expect(beside!.moved).toBe(0);
  expect(beside!.tokens).toEqual(alone!.tokens);
});

test('at temperature 0 nothing is moved', async () => {
  const [plain] = await answers([0], 0, sure());
  const [asked] = await answers([50], 0, sure());
  expect(asked!.tokens).toEqual(plain!.tokens);
  expect(asked!.moved).toBe(0);
});

test('a network that fails moves nothing and holds nothing up', async () => {
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => {});
  const failing = sure();
  failing.during = () => {
    throw new Error('no memory');
  };
  const [plain] = await answers([0], 1, sure());
  const [asked] = await answers([50], 1, failing);
  complaints.mockRestore();
  expect(asked!.tokens).toEqual(plain!.tokens);
  expect(asked!.moved).toBe(0);
});
