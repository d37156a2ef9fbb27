/** What a text has said is drafted even where no context leads to it, and how long ago it was said counts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import { Evidence } from '../../src/draft/blend/evidence.ts';
import { HeardTokens } from '../../src/draft/blend/heard-tokens.ts';
import { Source } from '../../src/draft/source.ts';
import { OUTPUT_START } from '../../src/draft/stores/output-start.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { SpanStore } from '../../src/draft/stores/span-store.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';

function begun(...prompt: number[]): SessionStore {
  const store = new SessionStore();
  store.begin(Int32Array.from(prompt), []);
  return store;
}

test('after a token that is new the most frequent ones are drafted', () => {
  const drafter = new BlendDrafter([new SessionStore()]);
  drafter.begin(Int32Array.of(...Array.from({ length: 40 }, (_, i) => [5, 10 + i]).flat(), 9), []);
  const tree = new TokenTree();
  drafter.draft(tree, 2);
  drafter.checkIntegrity();
  expect(tree.size).toBe(2);
  expect([tree.tokens[0], tree.parents[0]]).toEqual([5, ROOT]);
});

test('the empty context comes last, and is left out where it is not wanted', () => {
  const store = begun(...Array.from({ length: 95 }, (_, i) => 10 + i), 1, 2, 3, 1, 2);
  const evidence = new Evidence();
  store.gather(0, evidence, 0);
  evidence.checkIntegrity();
  const orders = [...evidence.order.subarray(0, evidence.contexts)];
  expect(orders).toEqual([2, 0]);
  expect(evidence.total[1]).toBe(100);
  evidence.clear();
  evidence.wantsCommon = false;
  store.gather(0, evidence, 0);
  expect([...evidence.order.subarray(0, evidence.contexts)]).toEqual([2]);
});

test('the mark before answers is never named, however often it is there', () => {
  for (const distinct of [20, 60]) {
    const spans = new SpanStore();
    spans.begin();
    const tokens = (i: number) => Int32Array.of(100 + i, 100 + i, 100 + i, 100 + i);
    const run = (_: unknown, i: number) => ({
      source: Source.tenant,
      begins: true,
      tokens: tokens(i),
    });
    spans.learn(Array.from({ length: distinct }, run));
    spans.advance(9);
    const evidence = new Evidence();
    spans.gather(0, evidence, 0);
    evidence.checkIntegrity();
    const named = [...evidence.token.subarray(0, evidence.firstFollower[evidence.contexts])];
    expect(named.length).toBeGreaterThan(10);
    expect(named).not.toContain(OUTPUT_START);
  }
});

test('followers come with the tokens since they were seen', () => {
  const evidence = new Evidence();
  begun(1, 7, 1, 8, 4, 1).gather(0, evidence, 0);
  const ages = new Map<number, number>();
  for (let f = evidence.firstFollower[0]!; f < evidence.firstFollower[1]!; f++) {
    ages.set(evidence.token[f]!, evidence.age[f]!);
  }
  expect(ages).toEqual(
    new Map([
      [7, 5],
      [8, 3],
    ]),
  );
});

test('a session knows when and how often it said a token', () => {
  // So few tokens have places of their own.
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (text) => {
      const heard = new HeardTokens();
      heard.begin(Int32Array.from(text.slice(0, 10)));
      for (const token of text.slice(10)) heard.push(token);
      heard.checkIntegrity();
      for (let token = 0; token <= 21; token++) {
        const place = heard.find(token);
        const count = text.filter((said) => said === token).length;
        expect(place >= 0).toBe(count > 0);
        if (place < 0) continue;
        expect(heard.count(place)).toBe(count);
        expect(heard.age(place)).toBe(text.length - text.lastIndexOf(token));
      }
    }),
  );
});

test('a turn begins with its own prompt alone', () => {
  const heard = new HeardTokens();
  heard.begin(Int32Array.of(1, 2));
  heard.begin(Int32Array.of(3));
  expect(heard.find(1)).toBe(-1);
  expect(heard.age(heard.find(3))).toBe(1);
});
