/** P: an answer that was predicted is committed in few steps, and one that strays finds its way back. */
import { describe, expect, test } from 'vitest';
import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import { Source } from '../../src/draft/source.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { MAX_SPAN_STORE_TOKENS, SpanStore } from '../../src/draft/stores/span-store.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';

const BUDGET = 32;
const PROMPT = Int32Array.of(1, 2, 3, 4);
/** Like source code: some tokens everywhere, some names rare. */
const PREDICTED = Int32Array.from({ length: 600 }, (_, i) =>
  i % 3 === 0 ? 50 + (i % 5) : 100 + ((i * i * 7 + 3 * i) % 211),
);

/** Steps until `answer` is committed, and how many of its tokens P drafted. */
function steps(answer: Int32Array, predicted: Int32Array | null) {
  const spans = new SpanStore();
  const drafter = new BlendDrafter([new SessionStore(), spans]);
  drafter.begin(PROMPT, []);
  if (predicted) {
    spans.learn([{ source: Source.prediction, begins: true, tokens: predicted }]);
  }
  const tree = new TokenTree();
  let count = 0;
  let byPrediction = 0;
  for (let at = 0; at < answer.length; count++) {
    tree.clear();
    drafter.draft(tree, BUDGET);
    tree.checkIntegrity();
    let end = at;
    for (let node = ROOT; end < answer.length; end++) {
      node = tree.child(node, answer[end]!);
      if (node < 0) break;
      if (tree.sources[node] === Source.prediction) byPrediction++;
    }
    end = Math.min(end + 1, answer.length);
    drafter.commit(answer.subarray(at, end));
    at = end;
  }
  return { count, byPrediction };
}

const MINIMAL = Math.ceil(PREDICTED.length / (BUDGET + 1));

describe('a prediction', () => {
  test('that is the answer makes near the fewest steps that the budget allows, from the first token on', () => {
    const { count, byPrediction } = steps(PREDICTED, PREDICTED);
    expect(count).toBeLessThanOrEqual(MINIMAL + 1);
    expect(byPrediction).toBeGreaterThan(0.5 * PREDICTED.length);
    expect(steps(PREDICTED, null).count).toBeGreaterThan(5 * count);
  });

  test.each([
    ['replaced', Int32Array.of(900, 901, 902), 3],
    ['inserted', Int32Array.of(900, 901, 902), 0],
    ['left out', new Int32Array(0), 3],
  ])('re-syncs after tokens are %s', (_, edit, gone) => {
    const answer: number[] = [];
    let edits = 0;
    for (let at = 0; at < PREDICTED.length; at += 100) {
      answer.push(...PREDICTED.subarray(at, at + 60), ...edit);
      answer.push(...PREDICTED.subarray(at + 60 + gone, at + 100));
      edits++;
    }
    const { count } = steps(Int32Array.from(answer), PREDICTED);
    // Each edit costs a step a token of its own at most, and one to find the place again.
    expect(count).toBeLessThanOrEqual(MINIMAL + edits * (Math.max(edit.length - 1, 0) + 1));
  });

  test('that is wrong throughout costs no step', () => {
    const answer = PREDICTED.map((token) => token + 1000);
    expect(steps(answer, PREDICTED).count).toBeLessThanOrEqual(1.02 * steps(answer, null).count);
  });
});

test('spans beyond what a turn takes are left out, and it drafts from the others', () => {
  const spans = new SpanStore();
  const drafter = new BlendDrafter([new SessionStore(), spans]);
  drafter.begin(PROMPT, []);
  const run = (first: number) => ({
    source: Source.corpus,
    begins: true,
    tokens: Int32Array.from({ length: 512 }, (_, i) => first + i),
  });
  // As nine stores that answer every question of a turn with all that they may.
  for (let asked = 0; asked < 24; asked++) {
    spans.learn(Array.from({ length: 9 * 4 }, (_, i) => run(512 * (36 * asked + i))));
    expect(spans.automaton.tokens).toBeLessThanOrEqual(MAX_SPAN_STORE_TOKENS);
  }
  expect(spans.isFull).toBe(true);
  drafter.commit(Int32Array.of(700, 701, 702));
  const tree = new TokenTree();
  drafter.draft(tree, BUDGET);
  expect(tree.child(ROOT, 703)).toBeGreaterThanOrEqual(0);
  drafter.begin(PROMPT, []);
  expect(spans.isFull).toBe(false);
});
