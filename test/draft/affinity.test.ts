/** Tokens that never followed each other are told apart by what goes with the last ones. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import { Evidence, NO_TOKEN, RECENT_TOKENS } from '../../src/draft/blend/evidence.ts';
import { Mixer } from '../../src/draft/blend/mixer.ts';
import { RecentTokens } from '../../src/draft/blend/recent-tokens.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';

const KINDS = 30;
const ARTICLES = 100;
const NOUNS = 200;

/** Articles and nouns in turn, drawn anew each time. */
function sentences(pairs: number): number[] {
  let state = 1;
  const drawn = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((KINDS * state) / 2 ** 32);
  };
  return Array.from({ length: pairs }, () => [ARTICLES + drawn(), NOUNS + drawn()]).flat();
}

test('after an article a noun is likelier than another article, though neither ever followed it', () => {
  const text = sentences(600);
  const drafter = new BlendDrafter([new SessionStore()]);
  drafter.begin(Int32Array.from(text.slice(0, 80)), []);
  drafter.commit(Int32Array.of(...text.slice(80), ARTICLES));
  const tree = new TokenTree();
  drafter.draft(tree, 64);
  drafter.checkIntegrity();
  const followed = new Set(text.filter((_, i) => text[i - 1] === ARTICLES));
  const meanOf = (first: number) => {
    const unseen = Array.from({ length: KINDS }, (_, i) => first + i).filter(
      (t) => !followed.has(t),
    );
    const probs = unseen.map((token) => tree.probs[tree.child(ROOT, token)] ?? 0);
    return probs.reduce((sum, prob) => sum + prob, 0) / probs.length;
  };
  expect(meanOf(NOUNS)).toBeGreaterThan(2 * meanOf(ARTICLES));
});

test('mixers begin alike, or what isolates learn would not add up', () => {
  const other = new Mixer(2).weights;
  // Two long arrays that differ would be compared for minutes.
  expect(new Mixer(2).weights.findIndex((weight, i) => weight !== other[i])).toBe(-1);
});

test('a slot knows the last tokens of its path', () => {
  const steps = fc.array(fc.tuple(fc.nat(1000), fc.nat(30000)), { maxLength: 40 });
  fc.assert(
    fc.property(fc.array(fc.nat(30000), { maxLength: 7 }), steps, (prompt, nodes) => {
      const recent = new RecentTokens();
      const evidence = new Evidence();
      recent.begin(Int32Array.from(prompt));
      const paths = [prompt];
      for (const [pick, token] of nodes) {
        const from = pick % paths.length;
        recent.follow(from, token, paths.length);
        paths.push([...paths[from]!, token]);
      }
      recent.follow(0, 7, 0);
      paths[0] = [...prompt, 7];
      for (const [slot, path] of paths.entries()) {
        recent.write(slot, evidence);
        const expected = Array.from(
          { length: RECENT_TOKENS },
          (_, i) => path.at(-1 - i) ?? NO_TOKEN,
        );
        expect([...evidence.recent]).toEqual(expected);
      }
    }),
  );
});
