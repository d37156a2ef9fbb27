/**
 * The engine's promise: however sessions are batched and whatever trees they
 * feed, each row's logits are those that the same text gives token by token.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Slot, StepRow } from '../../gpu-backend/engine/engine.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { feed, maxDifference, randomIntegers, treeRow } from './driver.ts';

const MODEL = fileURLToPath(new URL('../../models/target', import.meta.url));
const TOLERANCE = 1e-5;
const ROUNDS = 12;

interface Conversation {
  slot: Slot;
  /** Committed text; its last token has not been fed. */
  text: number[];
}

interface Path {
  /** Whole text up to and with a row. */
  text: number[];
  logits: Float32Array;
}

describe.each([
  { name: 'a lane a session', sharedLanes: false },
  { name: 'neighbouring slots sharing lanes', sharedLanes: true },
])('trees in batches, $name', ({ sharedLanes }) => {
  let engine: Engine;
  let reference: Engine;

  beforeAll(async () => {
    engine = await openEngine(MODEL, { slots: 9, maxContext: 512, sharedLanes, threads: 1 });
    reference = await openEngine(MODEL, { slots: 1, maxContext: 512, threads: 1 });
  });
  afterAll(() => {
    engine?.close();
    reference?.close();
  });

  it.each([1, 2, 3, 5, 8])(
    'gives %i sessions the logits of sequential decoding over many committed rounds',
    async (batch) => {
      const random = randomIntegers(batch);
      const vocabulary = engine.limits.vocabSize;
      const conversations: Conversation[] = [];
      for (let i = 0; i < batch; i++) {
        const text = Array.from({ length: 5 + random(90) }, () => random(vocabulary));
        const slot = engine.acquire(Int32Array.from(text), 400, `${batch} ${i}`);
        if (!slot) throw new Error('no slot');
        await feed(engine, slot, text.slice(0, -1));
        conversations.push({ slot, text });
      }
      const paths: Path[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        // A few sit out, so that the members of a batch change.
        const taking = conversations.filter(() => round === 0 || random(5) > 0);
        if (taking.length === 0) continue;
        const rows = taking.map(({ slot, text }) =>
          randomTree(slot, text.at(-1)!, random, vocabulary),
        );
        await engine.step(rows);
        rows.forEach((row, i) => {
          const conversation = taking[i]!;
          for (const at of [0, random(row.count)]) {
            const logits = row.logits.slice(at * vocabulary, (at + 1) * vocabulary);
            paths.push({ text: textOf(row, at, conversation.text), logits });
          }
          commitRandomPath(engine, row, conversation, random, vocabulary);
        });
      }
      for (const { slot } of conversations) engine.release(slot);

      let worst = 0;
      for (const { text, logits } of paths) {
        const slot = reference.acquire(Int32Array.from(text), text.length);
        const expected = await feed(reference, slot!, text.slice(slot!.cached));
        reference.release(slot!);
        worst = Math.max(worst, maxDifference(logits, expected));
      }
      expect(paths.length).toBeGreaterThan(batch * 10);
      expect(worst).toBeLessThanOrEqual(TOLERANCE);
    },
    60_000,
  );
});

function randomTree(
  slot: Slot,
  last: number,
  random: (n: number) => number,
  vocabulary: number,
): StepRow {
  const count = 1 + random(14);
  const tokens = [last];
  const parents = [-1];
  for (let row = 1; row < count; row++) {
    tokens.push(random(vocabulary));
    parents.push(random(3) === 0 ? random(row) : row - 1);
  }
  return treeRow(slot, tokens, parents);
}

function textOf(row: StepRow, at: number, committed: number[]): number[] {
  const path: number[] = [];
  for (let node = at; node >= 0; node = row.parents[node]!) path.unshift(row.tokens[node]!);
  return [...committed.slice(0, -1), ...path];
}

function commitRandomPath(
  engine: Engine,
  row: StepRow,
  conversation: Conversation,
  random: (n: number) => number,
  vocabulary: number,
): void {
  const path: number[] = [];
  for (let node = random(row.count); node >= 0; node = row.parents[node]!) path.unshift(node);
  engine.commit(row.slot, path, path.length);
  for (const node of path.slice(1)) conversation.text.push(row.tokens[node]!);
  conversation.text.push(random(vocabulary));
}
