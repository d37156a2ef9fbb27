/** An answer that strays from a text it follows is still drafted from it: words replaced, put in, left out. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import { Source } from '../../src/draft/source.ts';
import { AlignmentStore } from '../../src/draft/stores/alignment-store.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { SpanStore } from '../../src/draft/stores/span-store.ts';
import { followersOf } from '../support/followers.ts';

const PASSAGE = Int32Array.from({ length: 40 }, (_, i) => 100 + i);

/** The tokens named next after `said`, with the passage in the prompt. */
function proposed(said: readonly number[], aligned = true): Set<number> {
  const session = new SessionStore();
  const drafter = new BlendDrafter(aligned ? [session, new AlignmentStore(session)] : [session]);
  const end = PASSAGE.length;
  drafter.begin(Int32Array.of(...PASSAGE, 1, 2), [{ start: 0, end, source: Source.passage }]);
  drafter.commit(Int32Array.from(said));
  return followersOf(drafter);
}

test('after a token that the passage does not have, it continues after it or where it was', () => {
  expect(proposed([105, 106, 107, 900])).toEqual(new Set([108, 109, 110]));
  expect(proposed([105, 106, 107, 900, 901])).toEqual(new Set([109, 110, 111]));
  expect(proposed([105, 106, 107, 900], false)).toEqual(new Set());
});

test('in step, leaving a token out is considered too', () => {
  expect(proposed([105, 106, 107])).toEqual(new Set([108, 109]));
});

test('what was due stays aligned after tokens put in, and after one left out', () => {
  expect(proposed([105, 106, 107, 900, 108])).toContain(109);
  expect(proposed([105, 106, 107, 109])).toContain(110);
});

test('eight tokens after the last match, the place is given up', () => {
  const strange = [900, 901, 902, 903, 904, 905, 906, 907, 908];
  expect(proposed([105, 106, 107, ...strange.slice(0, 8)]).size).toBeGreaterThan(0);
  expect(proposed([105, 106, 107, ...strange])).toEqual(new Set());
});

test('it leads no further than its text, and a turn begins without any', () => {
  expect(proposed([137, 138, 900])).toEqual(new Set([139]));
  const session = new SessionStore();
  const drafter = new BlendDrafter([session, new AlignmentStore(session)]);
  drafter.begin(PASSAGE, []);
  drafter.commit(Int32Array.of(105, 106, 900));
  drafter.begin(PASSAGE, []);
  drafter.commit(Int32Array.of(901));
  expect(followersOf(drafter)).toEqual(new Set());
});

test('runs of their own are never crossed, however the answer strays', () => {
  const run = fc.array(fc.nat(6), { minLength: 1, maxLength: 25 });
  fc.assert(
    fc.property(
      fc.array(run, { minLength: 1, maxLength: 4 }),
      fc.nat(3),
      run,
      (runs, pick, said) => {
        const spans = new SpanStore();
        const session = new SessionStore();
        const drafter = new BlendDrafter([session, spans, new AlignmentStore(spans)]);
        drafter.begin(Int32Array.of(1), []);
        const own = runs.map((tokens, i) => tokens.map((token) => 100 * (i + 1) + token));
        const spansOf = own.map((tokens) => ({
          source: Source.corpus,
          begins: false,
          tokens: Int32Array.from(tokens),
        }));
        spans.learn(spansOf);
        const which = pick % own.length;
        drafter.commit(Int32Array.from([own[which]![0]!, ...said.map((token) => 9000 + token)]));
        for (const token of followersOf(drafter)) {
          if (token < 9000) expect(Math.floor(token / 100)).toBe(which + 1);
        }
      },
    ),
  );
});
