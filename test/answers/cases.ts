/** What every route that answers does, whole and streamed. */
import { Validator } from '@cfworker/json-schema';
import { expect } from 'vitest';
import type { Answered, Feature, Question, Route } from './routes.ts';

/** How a case asks: one route, in one form, and chat. */
export interface Asking {
  ask(question: Question): Promise<Answered>;
  /** The same question, whole, in chat. */
  askChat(question: Question): Promise<Answered>;
  /** Ids of a store and of a file, each with a sentence of its own. */
  orchard: { store: string; file: string };
}

interface Case {
  name: string;
  /** What it needs of the route. */
  needs: readonly Feature[];
  run(asking: Asking): Promise<void>;
}

/** In the store of the tests, and in the file. */
export const PEAR =
  'The espaliered pear is pruned twice a year, in July and in the depth of winter.';
export const QUINCE = 'A quince is picked in October, before the first frost, and ripens indoors.';

/** The bundled model's token that ends an answer. */
const IM_END = 2;
/** Nothing but the messages in the prompt: every route then has the same. */
const BARE = { vector_store_ids: [] };
const DRAWN = { ...BARE, temperature: 0.8, seed: 11 };
const QUESTION: Question = { text: 'Tell me about the weather.', maxTokens: 60, shared: DRAWN };

const withSpeculation = (speculation: object, shared: object = DRAWN): Question => ({
  ...QUESTION,
  shared: { ...shared, speculation: { stats: true, ...speculation } },
});

const SCHEMA = {
  type: 'object',
  properties: {
    kind: { enum: ['frame', 'limit'] },
    share: { type: 'integer', minimum: 0, maximum: 9 },
  },
  required: ['kind', 'share'],
  additionalProperties: false,
} as const;

async function draftingChangesNothing({ ask }: Asking, temperature: number): Promise<void> {
  const drawn = { ...DRAWN, temperature };
  const off = await ask(withSpeculation({ mode: 'off' }, drawn));
  expect(off.usage.speculation!.mean_accepted).toBe(1);
  expect(off.texts[0]!.length).toBeGreaterThan(20);
  for (const speculation of [
    {},
    { ablation: { trees: 'lockstep' }, budget: 3 },
    { memory: false },
  ]) {
    const on = await ask(withSpeculation(speculation, drawn));
    expect(on.texts).toEqual(off.texts);
    expect(on.finishes).toEqual(off.finishes);
    expect(on.usage.output).toBe(off.usage.output);
  }
}

export const CASES: readonly Case[] = [
  {
    name: 'says what chat says to the same messages',
    needs: [],
    async run({ ask, askChat }) {
      const [answer, chat] = [await ask(QUESTION), await askChat(QUESTION)];
      expect(answer).toMatchObject({
        texts: chat.texts,
        finishes: chat.finishes,
        usage: chat.usage,
      });
    },
  },
  {
    name: 'at temperature 0 drafting changes nothing',
    needs: [],
    run: (asking) => draftingChangesNothing(asking, 0),
  },
  {
    name: 'at temperature 0.8 drafting changes nothing',
    needs: [],
    run: (asking) => draftingChangesNothing(asking, 0.8),
  },
  {
    name: 'draws the same with the same seed, and something else with another',
    needs: [],
    async run({ ask }) {
      const first = await ask(QUESTION);
      expect((await ask(QUESTION)).texts).toEqual(first.texts);
      const other = { ...QUESTION, shared: { ...DRAWN, temperature: 1.5, seed: 12 } };
      expect((await ask(other)).texts).not.toEqual(first.texts);
    },
  },
  {
    name: 'is cut at exactly so many tokens',
    needs: ['maxTokens'],
    async run({ ask }) {
      const { finishes, usage } = await ask({ ...QUESTION, maxTokens: 7 });
      expect([finishes, usage.output]).toEqual([['length'], 7]);
    },
  },
  {
    name: 'says nothing where the first token ends it',
    needs: ['penalties'],
    async run({ ask }) {
      const penalties = { logit_bias: { [IM_END]: 100 } };
      const { texts, finishes, usage } = await ask({ ...QUESTION, penalties });
      expect([texts, finishes, usage.output]).toEqual([[''], ['stop'], 0]);
    },
  },
  {
    name: 'counts every token once, and drafting only on request',
    needs: [],
    async run({ ask }) {
      const { usage } = await ask(QUESTION);
      expect(usage.input).toBeGreaterThan(5);
      expect(usage.total).toBe(usage.input + usage.output);
      expect(usage).not.toHaveProperty('speculation');
      const { speculation } = (await ask(withSpeculation({}))).usage;
      const committed = Object.values(speculation!.by_source).reduce((sum, n) => sum + n, 0);
      expect(speculation!.accepted).toBe(committed - (speculation!.by_source.target ?? 0));
      expect(speculation!.drafted).toBeGreaterThanOrEqual(speculation!.accepted);
      expect(speculation!.mean_accepted).toBeCloseTo(committed / speculation!.steps);
    },
  },
  {
    name: 'ends before a stop string',
    needs: ['stop'],
    async run({ ask }) {
      const [text] = (await ask(QUESTION)).texts;
      const stop = text!.slice(20, 25);
      const cut = await ask({ ...QUESTION, stop: [stop] });
      expect(cut.texts).toEqual([text!.slice(0, text!.indexOf(stop))]);
      expect(cut.finishes).toEqual(['stop']);
    },
  },
  {
    name: 'gives choices, each as one alone with its own seed; the prompt counts once',
    needs: ['choices'],
    async run({ ask }) {
      const hot = { ...DRAWN, temperature: 2 };
      const one = await ask({ ...QUESTION, shared: hot });
      const three = await ask({ ...QUESTION, choices: 3, shared: hot });
      expect(three.texts).toHaveLength(3);
      expect(new Set(three.texts).size).toBe(3);
      expect(three.texts[0]).toBe(one.texts[0]);
      expect(three.finishes).toHaveLength(3);
      expect(three.usage.input).toBe(one.usage.input);
      const third = await ask({ ...QUESTION, shared: { ...hot, seed: hot.seed + 2 } });
      expect(three.texts[2]).toBe(third.texts[0]);
    },
  },
  {
    name: 'names every token where log-probabilities are asked for',
    needs: ['logprobs'],
    async run({ ask, askChat }) {
      const asked = { ...QUESTION, maxTokens: 24, logprobs: true };
      const { tokens, texts, usage } = await ask(asked);
      expect(tokens).toHaveLength(usage.output);
      expect(tokens).toEqual((await askChat(asked)).tokens);
      expect((await ask({ ...asked, logprobs: false })).texts).toEqual(texts);
    },
  },
  {
    name: 'draws with penalties and biases as chat does',
    needs: ['penalties'],
    async run({ ask, askChat }) {
      const asked = {
        ...QUESTION,
        penalties: { frequency_penalty: 1.5, logit_bias: { '100': -100 } },
      };
      const { texts } = await ask(asked);
      expect(texts).toEqual((await askChat(asked)).texts);
      expect(texts).not.toEqual((await ask(QUESTION)).texts);
    },
  },
  {
    name: 'is held to a JSON Schema',
    needs: ['schema'],
    async run({ ask }) {
      const { texts } = await ask({ ...QUESTION, schema: SCHEMA });
      expect(new Validator(SCHEMA as object, '2020-12').validate(JSON.parse(texts[0]!)).valid).toBe(
        true,
      );
    },
  },
  {
    name: 'calls a function, with or without drafts',
    needs: ['call'],
    async run({ ask }) {
      const once = { ...DRAWN, parallel_tool_calls: false };
      const call = { name: 'sort', parameters: SCHEMA };
      const asked = { ...QUESTION, shared: once, maxTokens: 200, call };
      const drafted = await ask(asked);
      expect(drafted.calls.length).toBeGreaterThan(0);
      for (const { name, arguments: said } of drafted.calls) {
        expect(name).toBe('sort');
        expect(new Validator(SCHEMA as object, '2020-12').validate(JSON.parse(said)).valid).toBe(
          true,
        );
      }
      expect([drafted.texts[0], drafted.finishes]).toEqual(['', ['tool_calls']]);
      const plain = { ...asked, shared: { ...once, speculation: { mode: 'off' } } };
      expect((await ask(plain)).calls).toEqual(drafted.calls);
    },
  },
  {
    name: 'answers from the stores that it names',
    needs: ['documents'],
    async run({ ask, orchard }) {
      const shared = { vector_store_ids: [orchard.store], temperature: 0 };
      const { texts } = await ask({ text: 'How is a pear pruned?', shared });
      expect(texts[0]).toContain('twice a year');
    },
  },
  {
    name: 'answers from the files that it brings',
    needs: ['file'],
    async run({ ask, orchard }) {
      const shared = { temperature: 0, context: 'full' };
      const { texts } = await ask({ text: 'When is a quince picked?', file: orchard.file, shared });
      expect(texts[0]).toContain('October');
    },
  },
];

/** Sent instead of what is asked otherwise; the field is the route's own. */
interface Refusal {
  name: string;
  needs: readonly Feature[];
  question?: Partial<Question>;
  /** Fields in their names for every route. */
  fields?: object;
  param(route: Route): string;
  message: RegExp;
  status?: number;
  code?: string;
}

const at = (param: string) => () => param;

/** What every route refuses, under the name that the field has there. */
export const REFUSALS: readonly Refusal[] = [
  {
    name: 'a temperature too high',
    needs: [],
    fields: { temperature: 3 },
    param: at('temperature'),
    message: /0 to 2/,
  },
  {
    name: 'a temperature as text',
    needs: [],
    fields: { temperature: 'hot' },
    param: at('temperature'),
    message: /number/,
  },
  {
    name: 'a fractional seed',
    needs: [],
    fields: { seed: 1.5 },
    param: at('seed'),
    message: /integer/,
  },
  {
    name: 'no token at all',
    needs: [],
    question: { maxTokens: 0 },
    param: ({ fields }) => fields.maxTokens,
    message: /from 1/,
  },
  {
    name: 'more tokens than the context',
    needs: [],
    question: { maxTokens: 5_000 },
    param: ({ fields }) => fields.maxTokens,
    message: /at most 2048/,
    code: 'context_length_exceeded',
  },
  {
    name: 'more text than the context',
    needs: [],
    question: { text: 'why '.repeat(5_000) },
    param: ({ fields }) => fields.text,
    message: /\d+ tokens, but the context holds 2047/,
    code: 'context_length_exceeded',
  },
  {
    name: 'a model that is not served',
    needs: [],
    fields: { model: 'gpt-5' },
    param: at('model'),
    message: /use "/,
    status: 404,
    code: 'model_not_found',
  },
  {
    name: 'a store that is not there',
    needs: [],
    fields: { vector_store_ids: ['vs_nope'] },
    param: at('vector_store_ids'),
    message: /vs_nope/,
    status: 404,
  },
  {
    name: 'an unknown mode',
    needs: [],
    fields: { speculation: { mode: 'warp' } },
    param: at('speculation.mode'),
    message: /"on" or "off"/,
  },
  {
    name: 'an unknown ablation',
    needs: [],
    fields: { speculation: { ablation: { trees: 'warp' } } },
    param: at('speculation.ablation.trees'),
    message: /streamed, lockstep/,
  },
  {
    name: 'a budget over the cap',
    needs: [],
    fields: { speculation: { budget: 65 } },
    param: at('speculation.budget'),
    message: /0 to 64/,
  },
  {
    name: 'too many stop strings',
    needs: ['stop'],
    question: { stop: ['a', 'b', 'c', 'd', 'e'] },
    param: at('stop'),
    message: /at most 4/,
  },
  {
    name: 'an empty stop string',
    needs: ['stop'],
    question: { stop: [''] },
    param: at('stop.0'),
    message: /empty/,
  },
  {
    name: 'too many choices',
    needs: ['choices'],
    question: { choices: 9 },
    param: at('n'),
    message: /1 to 8/,
  },
  {
    name: 'a penalty too high',
    needs: ['penalties'],
    question: { penalties: { frequency_penalty: 2.5 } },
    param: at('frequency_penalty'),
    message: /-2 to 2/,
  },
  {
    name: 'a bias of no token',
    needs: ['penalties'],
    question: { penalties: { logit_bias: { '9999999': 1 } } },
    param: at('logit_bias'),
    message: /9999999 is no token/,
  },
  {
    name: 'a schema that can’t be held to',
    needs: ['schema'],
    question: { schema: { type: 'object', properties: { a: { not: {} } } } },
    param: ({ fields }) => `${fields.schema}.properties.a.not`,
    message: /is not supported/,
  },
  {
    name: 'a function that can’t be held to',
    needs: ['call'],
    question: {
      call: { name: 'f', parameters: { type: 'object', properties: { a: { not: {} } } } },
    },
    param: ({ fields }) => `${fields.call}.properties.a.not`,
    message: /is not supported/,
  },
  {
    name: 'a file that is not there',
    needs: ['file'],
    question: { file: 'file-none' },
    param: at('file_ids.0'),
    message: /no file "file-none"/,
    status: 404,
  },
  {
    name: 'a whole document without one',
    needs: ['file'],
    fields: { context: 'full' },
    param: at('context'),
    message: /needs files/,
  },
];
