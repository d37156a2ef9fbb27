/** What a network takes is charged to the network: it must not stop the other drafts. */
import { expect, test, vi } from 'vitest';
import { Decoder } from '../../bench/drafters/decode.ts';
import { changed, countingClock } from '../../bench/drafters/free-nodes.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import type { LocalDrafters } from '../../gpu-backend/drafters/local-drafters.ts';
import type { NetworkedTurn } from '../../gpu-backend/drafters/network.ts';
import { AT_ANY_PRICE, Prompting, PromptWorth } from '../../gpu-backend/drafters/prompting.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { TreeSizing } from '../../gpu-backend/turn/tree-sizing.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import { SMALL, temporaryFolder } from '../engine/models.ts';
import { promptValues } from '../engine/prompts-file.ts';
import { turnOf } from '../support/turn.ts';

const cacheFolder = temporaryFolder();

test('drafting as a whole is not charged for what was prepared', async () => {
  const engine = await openEngine(SMALL, { slots: 2, maxContext: 128, threads: 1, cacheFolder });
  let ms = 0;
  const settled: number[] = [];
  let told = 0;
  const drafters: LocalDrafters = {
    spent: [],
    seat: () => new EchoDrafter(),
    prepare: async () => {
      ms += 500;
    },
    settle: (_, { ms, tokens }) => {
      settled.push(ms);
      told += tokens;
    },
    close: () => {},
  };
  const charged = vi.spyOn(TreeSizing.prototype, 'settle');
  const clock = { ...nodeClock, now: () => ms };
  const decoder = new Decoder(engine, new Nucleus(96), clock, drafters);
  const turn = turnOf({ prompt: Int32Array.of(3, 4, 5), maxTokens: 8 });
  await decoder.decode(turn, null);
  await decoder.decode(turn, drafters.seat(turn));
  await decoder.close();
  engine.close();
  expect(charged.mock.calls.length).toBeGreaterThan(1);
  expect(charged.mock.calls.map((call) => call[2])).toEqual(charged.mock.calls.map(() => 0));
  expect(settled).toEqual(settled.map(() => 0));
  // Of the turn that nobody drafted for, too.
  expect(told).toBe(2 * 8);
  charged.mockRestore();
});

/** Of a network that names one token for certain, where nothing else is drafted. */
class NamingSeat extends EchoDrafter {
  override readonly networked = this as Partial<NetworkedTurn> as NetworkedTurn;

  override draft(tree: TokenTree): void {
    tree.add(ROOT, 7, 1, Source.draft);
  }

  draftWithout(): boolean {
    return true;
  }
}

test('a network is told what the nodes of its words took', async () => {
  const options = { slots: 1, maxContext: 128, threads: 1, cacheFolder };
  const engine = await openEngine(SMALL, options);
  // A node takes half of a plain step.
  const priced = changed(engine, {
    plan: () => {
      let cost = 2;
      return {
        get cost() {
          return cost;
        },
        add: () => void cost++,
      };
    },
  });
  const settled: [nodes: number, share: number][] = [];
  let verified = 0;
  const drafters: LocalDrafters = {
    spent: [],
    seat: () => new NamingSeat(),
    prepare: async () => {},
    settle: (outcomes, { ms: stepMs }) => {
      for (const { extraMs } of outcomes) settled.push([verified, extraMs / stepMs]);
    },
    close: () => {},
  };
  const step = engine.step.bind(engine);
  const watched = changed(priced, {
    step: (rows) => {
      verified = rows[0]!.count - 1;
      return step(rows);
    },
  });
  const decoder = new Decoder(watched, new Nucleus(96), countingClock(), drafters);
  const turn = turnOf({ prompt: Int32Array.of(3, 4, 5), maxTokens: 24 });
  await decoder.decode(turn, drafters.seat(turn));
  await decoder.close();
  engine.close();
  expect(settled.map(([nodes]) => nodes)).toContain(1);
  for (const [nodes, share] of settled) expect(share).toBeCloseTo(nodes / (2 + nodes));
});

test('a network is told what its prompt tokens took, and drafting is not charged for them', async () => {
  const options = { slots: 1, maxContext: 128, threads: 1, cacheFolder };
  const engine = await openEngine(SMALL, { ...options, promptTokens: promptValues(2) });
  let ms = 0;
  let fed = 0;
  const cost = (rows: number) => 10 + rows;
  const priced = changed(engine, {
    plan: () => {
      let rows = 1;
      return {
        get cost() {
          return cost(rows);
        },
        add: () => void rows++,
      };
    },
    step: async (rows) => {
      await engine.step(rows);
      fed = rows[0]!.count;
      ms += cost(fed);
    },
  });
  const seat = new EchoDrafter() as EchoDrafter & { prompting: Prompting };
  seat.draft = () => {};
  seat.prompting = new Prompting(2, { temperature: 0, noise: null }, new PromptWorth());
  seat.prompting.offer(AT_ANY_PRICE);
  const charged = vi.spyOn(TreeSizing.prototype, 'settle');
  const settled: [rows: number, extraMs: number, stepMs: number, own: number][] = [];
  const drafters: LocalDrafters = {
    spent: [],
    seat: () => seat,
    prepare: async () => {},
    settle: (outcomes, { ms: stepMs }) => {
      const own = charged.mock.lastCall![2];
      for (const { extraMs } of outcomes) settled.push([fed, extraMs, stepMs, own]);
    },
    close: () => {},
  };
  const decoder = new Decoder(priced, new Nucleus(96), { ...nodeClock, now: () => ms }, drafters);
  const turn = turnOf({ prompt: Int32Array.of(3, 4, 5), maxTokens: 8 });
  await decoder.decode(turn, seat);
  await decoder.close();
  engine.close();
  charged.mockRestore();
  const fedRows = settled.map(([rows]) => rows);
  // Two rows behind the last token, but not where the turn ends before they are of use.
  expect(fedRows.slice(0, 3)).toEqual([3, 3, 3]);
  expect(fedRows.slice(-2)).toEqual([1, 1]);
  for (const [rows, extraMs, stepMs, own] of settled) {
    expect(stepMs).toBe(cost(rows));
    expect(extraMs).toBeCloseTo(rows - 1);
    expect(own).toBeCloseTo(cost(1));
  }
});
