/** Penalties and biases: OpenAI's law, enumerated, and the same text whatever was drafted or lost on the way. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draw } from '../../gpu-backend/accept/draw.ts';
import { LogitBias } from '../../gpu-backend/accept/logit-bias.ts';
import type { LogitsProcessor } from '../../gpu-backend/accept/logits-processor.ts';
import { processorsOf } from '../../gpu-backend/accept/processors.ts';
import { Nucleus, type Warp } from '../../gpu-backend/accept/warp.ts';
import type { Turn } from '../../gpu-backend/turn/admit.ts';
import { Candidates } from '../../gpu-backend/turn/candidates.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { encodeTree } from '../../src/link/protocol/index.ts';
import { turnOf } from '../support/turn.ts';
import { drafted, EOS, HOSTILE, logitsAfter, type Propose, plain, VOCAB } from './table-model.ts';

/** Tokens of the prompt, of five that there are. */
const ASKED = [0, 1, 3, 0, 1, 3];

type Controls = Partial<Pick<Turn, 'penalties' | 'repetition' | 'bias' | 'transfer'> & Warp>;

/** The processors and the draw of a turn, as a session makes them. `said`: the answer before a failover. */
function drawOf(controls: Controls, seed: number, said: readonly number[] = []) {
  const { penalties = null, repetition = 1, bias = [], transfer = 0, ...change } = controls;
  const warp: Warp = { temperature: 1, topK: 0, topP: 1, ...change };
  // The prompt has every token but two: for repetition alone it counts.
  const prompt = Int32Array.of(...ASKED, ...said);
  const { all } = processorsOf(
    turnOf({ prompt, resumed: said.length, warp, penalties, repetition, bias, transfer }),
  );
  return { all, draw: new Draw(warp, [seed, 0], new Nucleus(VOCAB), all) };
}

/** OpenAI's law of the token after `said`, by its definition. */
function lawAfter(said: readonly number[], controls: Controls): number[] {
  const { penalties, repetition = 1, bias = [], temperature = 1, minP = 0 } = controls;
  const logits = [...logitsAfter(said)].map((raw, id) => {
    const isSaid = ASKED.includes(id) || said.includes(id);
    const z = isSaid ? (raw > 0 ? raw / repetition : raw * repetition) : raw;
    const count = said.filter((token) => token === id).length;
    const { frequency = 0, presence = 0 } = penalties ?? {};
    const added = bias.find(([token]) => token === id)?.[1] ?? 0;
    if (added === -100) return -Infinity;
    return z - count * frequency - (count > 0 ? presence : 0) + added;
  });
  const likeliest = Math.max(...logits);
  const weights = logits.map((z) => {
    const share = Math.exp((z - likeliest) / temperature);
    return share < minP ? 0 : share;
  });
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

const CONTROLS: Record<string, Controls> = {
  frequency: { penalties: { frequency: 1.3, presence: 0 } },
  presence: { penalties: { frequency: 0, presence: 2 } },
  'both, encouraging': { penalties: { frequency: -0.7, presence: -0.4 }, temperature: 0.8 },
  bias: {
    bias: [
      [0, 1.5],
      [EOS, -3],
    ],
    temperature: 1.4,
  },
  repetition: { repetition: 1.8 },
  'repetition, encouraging, beside a presence': {
    repetition: 0.6,
    penalties: { frequency: 0, presence: 0.5 },
  },
  'min-p behind repetition': { repetition: 1.4, minP: 0.15, temperature: 1.5 },
  'a ban beside penalties': { penalties: { frequency: 0.5, presence: 0.5 }, bias: [[2, -100]] },
};

describe('the law of every answer of three tokens', () => {
  test.each(Object.entries(CONTROLS))('with %s is the product of OpenAI’s', (_, controls) => {
    const expected = new Map<string, number>();
    const enumerate = (said: number[], mass: number): void => {
      if (said.length === 3 || said.at(-1) === EOS) {
        expected.set(said.join(), mass);
        return;
      }
      lawAfter(said, controls).forEach((p, token) => {
        enumerate([...said, token], mass * p);
      });
    };
    enumerate([], 1);
    const rounds = 30_000;
    const counts = new Map<string, number>();
    for (let seed = 0; seed < rounds; seed++) {
      const key = plain(3, drawOf(controls, seed).draw).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    let statistic = 0;
    let cells = 0;
    let rare = 0;
    let rareExpected = 0;
    for (const [key, mass] of expected) {
      const count = counts.get(key) ?? 0;
      if (mass === 0) expect(count).toBe(0);
      else if (mass * rounds < 5) {
        rare += count;
        rareExpected += mass * rounds;
      } else {
        statistic += (count - mass * rounds) ** 2 / (mass * rounds);
        cells++;
      }
    }
    if (rareExpected > 5) statistic += (rare - rareExpected) ** 2 / rareExpected;
    // Mean and deviation of χ² are cells and √(2·cells); five deviations.
    expect(statistic).toBeLessThan(cells + 5 * Math.sqrt(2 * cells));
    expect(cells).toBeGreaterThan(30);
  });
});

const ALL: Record<string, Controls> = {
  ...CONTROLS,
  'top-k after penalties': { penalties: { frequency: 2, presence: 1 }, topK: 2 },
  'top-p after a bias': { bias: [[1, 2]], topP: 0.6 },
  'min-p behind top-k and top-p': { topK: 3, topP: 0.9, minP: 0.3, repetition: 1.5 },
};

describe.each([0, 0.8, 1.7])('at temperature %f', (temperature) => {
  test.each(Object.keys(HOSTILE))(
    "the answer is plain decoding's with drafts of kind: %s",
    (kind) => {
      for (const controls of Object.values(ALL)) {
        for (let seed = 0; seed < 12; seed++) {
          const turn = () => drawOf({ ...controls, temperature }, seed);
          const truth = plain(24, turn().draw);
          const { draw, all } = turn();
          expect(drafted(24, draw, HOSTILE[kind]!(truth), all).out).toEqual(truth);
        }
      }
    },
  );

  test('any tree, any penalties, resumed anywhere', () => {
    const penalty = fc.double({ min: -2, max: 2, noNaN: true });
    const nodes = fc.array(fc.tuple(fc.integer({ min: -1, max: 62 }), fc.nat(VOCAB - 1)), {
      maxLength: 64,
    });
    const biases = fc.uniqueArray(
      fc.tuple(fc.nat(VOCAB - 1), fc.double({ min: -100, max: 100, noNaN: true })),
      { maxLength: VOCAB, selector: ([id]) => id },
    );
    const repeats = fc.double({ min: 0.1, max: 10, noNaN: true });
    const numbers = fc.tuple(fc.nat(), penalty, penalty, fc.nat(15), repeats);
    fc.assert(
      fc.property(
        numbers,
        biases,
        nodes,
        ([seed, frequency, presence, cut, repetition], bias, list) => {
          const penalties = { frequency, presence };
          const controls = { penalties, repetition, bias, temperature, minP: 0.05 };
          const truth = plain(16, drawOf(controls, seed).draw);
          const propose: Propose = (tree) => {
            for (const [parent, token] of list) {
              tree.add(Math.min(parent, tree.size - 1), token, 0.5, Source.draft);
            }
          };
          const { draw, all } = drawOf(controls, seed);
          expect(drafted(16, draw, propose, all).out).toEqual(truth);
          const said = truth.slice(0, cut);
          expect(plain(16, drawOf(controls, seed, said).draw, said)).toEqual(truth);
        },
      ),
    );
  });

  test('penalties change what is said', () => {
    let changed = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { draw } = drawOf({ ...CONTROLS.frequency, temperature }, seed);
      const other = drawOf({ temperature }, seed).draw;
      if (plain(24, draw).join() !== plain(24, other).join()) changed++;
    }
    expect(changed).toBeGreaterThan(4);
  });

  test('a banned token is never said, a token at 100 is all that is said', () => {
    for (let seed = 0; seed < 200; seed++) {
      const banned = { bias: [[0, -100] as const, [EOS, -100] as const], temperature };
      const said = plain(24, drawOf(banned, seed).draw);
      expect(said).toHaveLength(24);
      expect(said).not.toContain(0);
      const forced = drawOf({ bias: [[3, 100]], temperature: 100 * temperature }, seed).draw;
      expect(plain(8, forced)).toEqual(new Array(8).fill(3));
    }
  });

  test('where every token is banned the likeliest is said all the same', () => {
    const bias = Array.from({ length: VOCAB }, (_, id) => [id, -100] as const);
    const said = plain(8, drawOf({ bias, temperature, topK: 3, topP: 0.5 }, 1).draw);
    expect(said.every((token) => token >= 0 && token < VOCAB)).toBe(true);
  });
});

describe('what is banned is not verified', () => {
  const bias = new LogitBias([
    [2, -100],
    [3, -99],
  ]);
  const tree = new TokenTree();
  const a = tree.add(ROOT, 1, 0.5, Source.draft);
  const b = tree.add(a, 2, 0.4, Source.draft);
  tree.add(b, 3, 0.3, Source.draft);
  tree.add(a, 3, 0.2, Source.draft);

  test('nodes of banned tokens are marked, and no others', () => {
    const out = new Uint8Array(tree.size);
    bias.ruleOut(tree, out);
    expect([...out]).toEqual([0, 1, 0, 0]);
  });

  test('a step takes neither them nor what is below them', () => {
    const turn = turnOf({ prompt: Int32Array.of(1, 2, 3), drafting: 'streamed', budget: 8 });
    const chosen = (processors: readonly LogitsProcessor[]) => {
      const candidates = new Candidates(turn, null, VOCAB, processors);
      candidates.receive(encodeTree(tree, 3), turn.prompt, 3);
      const { size, tokens } = candidates.choose(candidates.propose(3, 0).length);
      return [...tokens.subarray(0, size)];
    };
    expect(chosen([])).toEqual([1, 2, 3]);
    expect(chosen([bias])).toEqual([1, 3]);
  });
});
