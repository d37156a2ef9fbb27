/**
 * The engine's promise: however sessions are batched and whatever trees they
 * feed, each row's logits are the very bits that the same text gives when fed plainly.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Slot, StepRow } from '../../gpu-backend/engine/engine.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { chainRow, feed, maxDifference, randomIntegers, treeRow } from './driver.ts';
import { BUNDLED, SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const MAX_CONTEXT = 256;

describe.each([
  { form: 'a lane a session', model: SMALL, rounds: 40, sharedLanes: false },
  { form: 'shared lanes', model: SMALL, rounds: 40, sharedLanes: true },
  { form: 'the bundled model', model: BUNDLED, rounds: 8, sharedLanes: false },
])('$form', ({ model, rounds, sharedLanes }) => {
  let engine: Engine;
  let reference: Engine;

  beforeAll(async () => {
    const options = { maxContext: MAX_CONTEXT, threads: 1, cacheFolder };
    engine = await openEngine(model, { ...options, slots: 9, sharedLanes });
    reference = await openEngine(model, { ...options, slots: 1 });
  });
  afterAll(() => {
    engine?.close();
    reference?.close();
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    '%i sessions with random trees, over committed rounds',
    async (batch) => {
      const random = randomIntegers(batch);
      const conversations = await begin(engine, batch, random);
      const checked: { text: number[]; logits: Float32Array }[] = [];
      for (let round = 0; round < rounds; round++) {
        // A few sit out, so that the members of a batch change.
        const taking = conversations.filter(() => batch === 1 || random(5) > 0);
        if (taking.length === 0) continue;
        const rows = taking.map((conversation) => randomTree(engine, conversation, random));
        await engine.step(rows);
        rows.forEach((row, i) => {
          const at = random(row.count);
          checked.push({ text: textOf(row, at, taking[i]!.text), logits: logitsOf(row, at) });
          commitRandomPath(engine, row, taking[i]!, random);
        });
      }
      for (const { slot } of conversations) engine.release(slot);
      expect(checked.length).toBeGreaterThan((batch * rounds) / 2);
      for (const { text, logits } of checked) {
        const slot = reference.acquire(Int32Array.from(text), text.length, 'alone')!;
        const expected = await feed(reference, slot, text.slice(slot.cached));
        reference.release(slot);
        expect(maxDifference(logits, expected)).toBe(0);
      }
    },
    60_000,
  );

  it('gives a chain the same bits alone, in pieces and in any company', async () => {
    const random = randomIntegers(99);
    const text = Array.from({ length: 40 }, () => random(engine.limits.vocabSize));
    const alone = await chainLogits(engine, 'alone', text, [text.length]);
    expect(await chainLogits(engine, 'pieces', text, [1, 7, 2, 1, 16, 13])).toEqual(alone);

    const company = await begin(engine, 5, random);
    const slot = engine.acquire(Int32Array.from(text), MAX_CONTEXT, 'company')!;
    const row = chainRow(slot, text);
    const trees = company.map((conversation) => randomTree(engine, conversation, random));
    await engine.step([...trees.slice(0, 2), row, ...trees.slice(2)]);
    expect(row.logits.slice()).toEqual(alone);
    for (const one of [slot, ...company.map((conversation) => conversation.slot)]) {
      engine.release(one);
    }
  });
});

interface Conversation {
  slot: Slot;
  /** Committed text; its last token has not been fed. */
  text: number[];
}

async function begin(
  engine: Engine,
  batch: number,
  random: (n: number) => number,
): Promise<Conversation[]> {
  const conversations: Conversation[] = [];
  for (let i = 0; i < batch; i++) {
    const length = 5 + random(40);
    const text = Array.from({ length }, () => random(engine.limits.vocabSize));
    const slot = engine.acquire(Int32Array.from(text), MAX_CONTEXT, `${batch} ${i}`);
    if (!slot) throw new Error('no slot is free');
    await feed(engine, slot, text.slice(slot.length, -1));
    conversations.push({ slot, text });
  }
  return conversations;
}

async function chainLogits(
  engine: Engine,
  namespace: string,
  text: number[],
  pieces: number[],
): Promise<Float32Array> {
  const slot = engine.acquire(Int32Array.from(text), MAX_CONTEXT, namespace)!;
  const { vocabSize } = engine.limits;
  const logits = new Float32Array(text.length * vocabSize);
  let at = 0;
  for (const length of pieces) {
    const row = chainRow(slot, text.slice(at, at + length));
    await engine.step([row]);
    logits.set(row.logits, at * vocabSize);
    engine.commit(
      slot,
      row.tokens.map((_, i) => i),
      length,
    );
    at += length;
  }
  engine.release(slot);
  return logits;
}

function randomTree(
  engine: Engine,
  { slot, text }: Conversation,
  random: (n: number) => number,
): StepRow {
  const { vocabSize } = engine.limits;
  const count = Math.min(1 + random(14), slot.capacity - slot.length);
  const tokens = [text.at(-1)!];
  const parents = [-1];
  for (let row = 1; row < count; row++) {
    tokens.push(random(vocabSize));
    parents.push(random(3) === 0 ? random(row) : row - 1);
  }
  return treeRow(slot, tokens, parents);
}

function logitsOf(row: StepRow, at: number): Float32Array {
  const width = row.logits.length / row.count;
  return row.logits.slice(at * width, (at + 1) * width);
}

function textOf(row: StepRow, at: number, committed: number[]): number[] {
  const path: number[] = [];
  for (let node = at; node >= 0; node = row.parents[node]!) path.unshift(row.tokens[node]!);
  return [...committed.slice(0, -1), ...path];
}

/** Commits the way to a random row; the text goes on with any token. */
function commitRandomPath(
  engine: Engine,
  row: StepRow,
  { slot, text }: Conversation,
  random: (n: number) => number,
): void {
  const path: number[] = [];
  // Not too deep, so that the conversation lasts for all rounds.
  for (let node = random(Math.min(row.count, 6)); node >= 0; node = row.parents[node]!) {
    path.unshift(node);
  }
  engine.commit(slot, path, path.length);
  for (const node of path.slice(1)) text.push(row.tokens[node]!);
  text.push(random(engine.limits.vocabSize));
}
