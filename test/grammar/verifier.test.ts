/** An answer held to a grammar by the real verifier: valid, and the same whatever is drafted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validator } from '@cfworker/json-schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withFreeNodes } from '../../bench/drafters/free-nodes.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import type { GrammarSetting, OpenSettings } from '../../src/link/protocol/index.ts';
import { type RealVerifier, startRealVerifier } from '../link/real-verifier.ts';
import { alwaysDraft } from '../support/always-draft.ts';
import { allowed, grammarOfSchema, STOPS, textOf, tokenizer, vocabulary } from './bundled.ts';

const SCHEMA = {
  type: 'object',
  properties: {
    title: { type: 'string', maxLength: 24 },
    kind: { enum: ['fruit', 'tree', 'wall'] },
    tags: { type: 'array', items: { type: 'string', maxLength: 8 }, maxItems: 3 },
    count: { type: 'integer', minimum: 0, maximum: 500 },
    sure: { type: 'boolean' },
  },
  required: ['title', 'kind', 'tags', 'count', 'sure'],
  additionalProperties: false,
};
const GRAMMAR: GrammarSetting = { kind: 'json_schema', schema: SCHEMA };
const PROMPT = tokenizer.encode(
  '<|im_start|>user\nWhat is an espalier, as JSON?<|im_end|>\n<|im_start|>assistant\n',
);

let cacheFolder: string;
let real: RealVerifier;
alwaysDraft();
beforeAll(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'espalier-grammar-'));
  real = await startRealVerifier({ cacheFolder, wrap: withFreeNodes });
}, 60_000);
afterAll(async () => {
  await real?.verifier.close();
  await rm(cacheFolder, { recursive: true, force: true });
});

interface Said {
  tokens: number[];
  text: string;
  steps: number;
  forced: number;
  reason: string;
}

/** `draft`: a tree to send before each step, in lockstep. */
async function ask(
  change: Partial<OpenSettings>,
  prompt = PROMPT,
  draft?: (tree: TokenTree, said: readonly number[]) => void,
): Promise<Said> {
  const link = await real.open(prompt, {
    grammar: GRAMMAR,
    maxTokens: 200,
    stopIds: [...STOPS],
    ...change,
    ...(draft && { drafting: 'lockstep' }),
  });
  const said: Said = { tokens: [], text: '', steps: 0, forced: 0, reason: '' };
  const tree = new TokenTree(64);
  const propose = () => {
    tree.clear();
    draft?.(tree, said.tokens);
    if (draft) link.sendTree(tree, prompt.length + said.tokens.length);
  };
  for await (const event of link.events()) {
    if (event.type === 'ready') propose();
    else if (event.type === 'accept') {
      said.tokens.push(...event.tokens);
      said.steps += event.steps;
      said.forced += event.sources.filter((source) => source === Source.grammar).length;
      propose();
    } else if (event.type === 'done') said.reason = event.reason;
  }
  said.text = textOf(said.tokens.filter((token) => !STOPS.has(token)));
  return said;
}

function expectValid(text: string): void {
  const { valid, errors } = new Validator(SCHEMA as object, '2020-12').validate(JSON.parse(text));
  expect(valid, `${text}: ${JSON.stringify(errors)}`).toBe(true);
}

const sampling = (temperature: number, seed: number, more: object = {}) => ({
  sampling: { seed: [seed, 0] as [number, number], temperature, topP: 1, topK: 0, ...more },
});

describe.each([
  [0, {}],
  [1.2, {}],
  [1.2, { topP: 0.9, topK: 40 }],
  [1, { frequencyPenalty: 1, logitBias: [[tokenizer.encode('}')[0]!, 50]] as [number, number][] }],
])('at temperature %f with %j', (temperature, more) => {
  const cases = [1, 2, 3].map((seed) => sampling(temperature, seed, more));

  test('the answer is valid, ends by itself, and is the same without drafts', async () => {
    let saved = 0;
    let forced = 0;
    for (const one of cases) {
      const plain = await ask({ ...one, drafting: 'off' });
      expectValid(plain.text);
      expect(plain.reason).toBe('stop');
      expect(plain.steps).toBe(plain.tokens.length);
      const drafted = await ask(one);
      expect(drafted.tokens).toEqual(plain.tokens);
      saved += plain.steps - drafted.steps;
      forced += drafted.forced;
    }
    expect(saved).toBeGreaterThan(0);
    expect(forced).toBeGreaterThan(0);
  });

  test('a hostile drafter changes nothing', async () => {
    const grammar = grammarOfSchema(SCHEMA);
    for (const one of cases) {
      const plain = await ask({ ...one, drafting: 'off' });
      // Breaks the grammar, ends where nothing may end, and goes where the answer does not.
      const hostile = await ask(one, PROMPT, (tree, said) => {
        let state = grammar.start;
        for (const token of said) state = grammar.advance(state, token) ?? state;
        tree.add(ROOT, 2, 1, Source.corpus);
        const broken = tree.add(ROOT, tokenizer.encode('the')[0]!, 1, Source.corpus);
        tree.add(broken, 7, 1, Source.corpus);
        for (const id of allowed(grammar.mask(state)).slice(0, 20)) {
          tree.add(tree.add(ROOT, id, 0.5, Source.corpus), 0, 0.5, Source.corpus);
        }
      });
      expect(hostile.tokens).toEqual(plain.tokens);
    }
  });
});

test('a turn that goes on elsewhere goes on in the grammar', async () => {
  const one = sampling(1.2, 7);
  const whole = await ask(one);
  for (const cut of [1, 9, whole.tokens.length - 1]) {
    const answered = whole.tokens.slice(0, cut);
    const rest = await ask(
      { ...one, resumed: cut, maxTokens: 200 - cut },
      Int32Array.of(...PROMPT, ...answered),
    );
    expect([...answered, ...rest.tokens]).toEqual(whole.tokens);
  }
});

test('what was answered and breaks the grammar is refused', async () => {
  const prompt = Int32Array.of(...PROMPT, ...tokenizer.encode('Once'));
  await expect(ask({ resumed: 1 }, prompt)).rejects.toMatchObject({ code: 'bad-frame' });
});

test('an answer that was complete already, and only its end was lost, gets no token more', async () => {
  const grammar = { kind: 'json_schema', schema: { const: 'x' } } as const;
  const { tokens } = await ask({ grammar });
  const prompt = Int32Array.of(...PROMPT, ...tokens);
  const rest = await ask({ grammar, resumed: tokens.length, stopIds: [] }, prompt);
  expect([rest.tokens.length, rest.reason]).toEqual([0, 'stop']);
});

test('max_tokens cuts it short, and says so', async () => {
  expect((await ask({ maxTokens: 5 })).reason).toBe('length');
});

test('the last token of a complete answer ends it, without an end token', async () => {
  const { tokens, reason } = await ask({
    grammar: { kind: 'json_schema', schema: { const: 'x' } },
  });
  expect([textOf(tokens), reason]).toEqual(['"x"', 'stop']);
  const { maxTokens } = { maxTokens: tokens.length };
  const exact = await ask({
    grammar: { kind: 'json_schema', schema: { const: 'x' } },
    maxTokens,
  });
  expect(exact.reason).toBe('stop');
});

test('a JSON object, and calls with text before them or without', async () => {
  const object = await ask({
    grammar: { kind: 'json_object' },
    maxTokens: 400,
    ...sampling(0.7, 3),
  });
  if (object.reason === 'stop') expect(JSON.parse(object.text)).toBeTypeOf('object');
  const functions = [
    {
      name: 'prune',
      parameters: { type: 'object', properties: { tree: { enum: ['pear', 'fig'] } } },
    },
  ];
  const calls = { kind: 'calls', begin: '<call>', end: '</call>', functions, many: false } as const;
  const forced = await ask({ grammar: { ...calls, free: false } });
  expect(forced.text).toMatch(
    /^<call>\{"name": "prune", "arguments": \{("tree": "(pear|fig)")?\}\}<\/call>$/,
  );
  const free = await ask({ grammar: { ...calls, free: true }, maxTokens: 60 });
  const unheld = await ask({ grammar: undefined, maxTokens: 60 } as Partial<OpenSettings>);
  expect(free.tokens).toEqual(unheld.tokens);
});

test.each([
  [
    { kind: 'json_schema', schema: { type: 'object', patternProperties: {} } },
    ['schema', 'patternProperties'],
  ],
  [{ kind: 'json_schema' }, ['schema']],
  [{ kind: 'xml' }, ['kind']],
  [5, ['kind']],
  [{ kind: 'calls', begin: '', end: 'x', functions: [] }, ['begin']],
  [{ kind: 'calls', begin: 'x', end: 'x', functions: [] }, ['functions']],
  [
    { kind: 'calls', begin: 'x', end: 'y', functions: [{ name: 'f', parameters: { not: {} } }] },
    ['functions', 0, 'parameters', 'not'],
  ],
])('%j is refused with the place', async (grammar, path) => {
  const refused = ask({ grammar: grammar as GrammarSetting });
  await expect(refused).rejects.toMatchObject({ code: 'grammar', path });
  expect(real.verifier.active()).toBe(0);
});

test('turns that are held to a grammar share steps with others that are not', async () => {
  const beside = ask({ grammar: undefined, ...sampling(0, 1) } as Partial<OpenSettings>);
  const held = Array.from({ length: 4 }, (_, seed) => ask(sampling(1.2, seed)));
  await beside;
  for (const { text } of await Promise.all(held)) expectValid(text);
  expect(vocabulary.size).toBe(real.engine.limits.vocabSize);
});
