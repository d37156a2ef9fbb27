/** `response_format` as clients ask for it, against the real service: what comes is valid. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { Validator } from '@cfworker/json-schema';
import { ChatOpenAI } from '@langchain/openai';
import { generateObject, jsonSchema, streamObject } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { startService, type TestService } from '../support/service.ts';

startedOnesAlwaysDraft();
let service: TestService;
let client: OpenAI;
beforeAll(async () => {
  service = await startService({ demo: false });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});
afterAll(() => service?.stop());

const SCHEMA = {
  type: 'object',
  properties: {
    title: { type: 'string', maxLength: 30 },
    kind: { enum: ['frame', 'limit', 'store'] },
    tags: { type: 'array', items: { type: 'string', maxLength: 10 }, maxItems: 2 },
    certainty: { type: 'integer', minimum: 0, maximum: 100 },
    parent: { anyOf: [{ $ref: '#' }, { type: 'null' }] },
  },
  required: ['title', 'kind', 'tags', 'certainty', 'parent'],
  additionalProperties: false,
};
const FORMAT = {
  type: 'json_schema' as const,
  json_schema: { name: 'note', strict: true, schema: SCHEMA },
};
const messages = [{ role: 'user' as const, content: 'What is credit?' }];

function valid(value: unknown): boolean {
  return new Validator(SCHEMA as object, '2020-12').validate(value).valid;
}

function ask(more: object) {
  return client.chat.completions.create({
    model: service.model,
    messages,
    max_tokens: 160,
    response_format: FORMAT,
    ...more,
  } as OpenAI.ChatCompletionCreateParamsNonStreaming);
}

describe('json_schema', () => {
  test.each([0, 1.2])(
    'at temperature %f valid, and the same without drafts',
    async (temperature) => {
      for (const seed of [1, 2]) {
        const drawn = { temperature, seed, speculation: { mode: 'off' } };
        const plain = (await ask(drawn)).choices[0]!;
        // Another note in every note, to the end of the room: that is cut, not wrong.
        if (plain.finish_reason === 'stop')
          expect(valid(JSON.parse(plain.message.content!))).toBe(true);
        const drafted = (await ask({ ...drawn, speculation: { mode: 'on' } })).choices[0]!;
        expect(drafted.message.content).toBe(plain.message.content);
        expect(drafted.finish_reason).toBe(plain.finish_reason);
      }
    },
  );

  test('what must follow is drafted, and said to be', async () => {
    let forced = 0;
    for (const seed of [1, 2, 3, 4]) {
      const schema = { const: { name: 'espalier', kind: 'tree', grown: 'flat' } };
      const { usage } = (await ask({
        seed,
        response_format: { type: 'json_schema', json_schema: { name: 'one', schema } },
        speculation: { stats: true, memory: false },
      })) as unknown as { usage: { speculation: { by_source: { grammar?: number } } } };
      forced += usage.speculation.by_source.grammar ?? 0;
    }
    expect(forced).toBeGreaterThan(0);
  });

  test('a stream says the same, and ends with what the whole answer ends with', async () => {
    const whole = (await ask({ seed: 4, temperature: 0.7 })).choices[0]!;
    const stream = await client.chat.completions.create({
      model: service.model,
      messages,
      max_tokens: 160,
      response_format: FORMAT,
      seed: 4,
      temperature: 0.7,
      stream: true,
    });
    let text = '';
    let finish: string | null = null;
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? '';
      finish = choices[0]?.finish_reason ?? finish;
    }
    expect([text, finish]).toEqual([whole.message.content, whole.finish_reason]);
  });

  test('max_tokens ends it with "length"', async () => {
    const answer = await ask({ max_tokens: 4 });
    expect(answer.choices[0]!.finish_reason).toBe('length');
  });
});

test('json_object: any object', async () => {
  const answer = await ask({ response_format: { type: 'json_object' }, max_tokens: 800 });
  const { message, finish_reason } = answer.choices[0]!;
  expect(message.content![0]).toBe('{');
  if (finish_reason === 'stop') expect(JSON.parse(message.content!)).toBeTypeOf('object');
});

const FLAT = {
  type: 'object',
  properties: {
    kind: { enum: ['frame', 'limit'] },
    share: { type: 'number', minimum: 0, maximum: 1 },
  },
  required: ['kind', 'share'],
  additionalProperties: false,
} as const;
const EXPECTED = { kind: expect.stringMatching(/^(frame|limit)$/), share: expect.any(Number) };

test('openai: parse', async () => {
  const parsed = await client.chat.completions.parse({
    model: service.model,
    messages,
    response_format: { type: 'json_schema', json_schema: { name: 'flat', schema: FLAT } },
  });
  expect(JSON.parse(parsed.choices[0]!.message.content!)).toEqual(EXPECTED);
});

test('ai: generateObject and streamObject', async () => {
  const espalier = createOpenAICompatible({
    name: 'espalier',
    baseURL: `${service.url}/v1`,
    apiKey: 'local',
    supportsStructuredOutputs: true,
  });
  const request = {
    model: espalier(service.model),
    schema: jsonSchema<{ kind: string; share: number }>(FLAT),
    prompt: 'What is credit?',
    seed: 3,
  };
  const { object } = await generateObject(request);
  expect(object).toEqual(EXPECTED);
  const streamed = streamObject(request);
  for await (const _ of streamed.partialObjectStream);
  expect(await streamed.object).toEqual(object);
});

test('langchain: withStructuredOutput', async () => {
  const chat = new ChatOpenAI({
    model: service.model,
    apiKey: 'local',
    configuration: { baseURL: `${service.url}/v1` },
    maxRetries: 0,
  });
  const structured = chat.withStructuredOutput(
    { title: 'flat', ...FLAT },
    { method: 'jsonSchema', name: 'flat', strict: true },
  );
  expect(await structured.invoke('What is credit?')).toEqual(EXPECTED);
});

describe('refused, by name and place', () => {
  const format = (schema: unknown) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
  });
  const nested = (depth: number) => {
    let schema: object = {};
    for (let i = 0; i < depth; i++) schema = { items: schema };
    return schema;
  };

  test.each([
    [
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'x', strict: true, schema: { properties: { n: { not: {} } } } },
        },
      },
      'response_format.json_schema.schema.properties.n.not: is not supported',
    ],
    [format({ $ref: '#' }), 'response_format: it has no value'],
    [format({ type: 'object', description: 'x'.repeat(140_000) }), 'at most 131072 bytes'],
    [format(nested(40)), 'nested more than 32 deep'],
    [format(nested(2_000)), 'nested more than 256 deep'],
    [format('object'), 'must be a JSON Schema'],
    [{ response_format: { type: 'json_schema', json_schema: { schema: {} } } }, 'is required'],
    [{ response_format: { type: 'xml' } }, 'must be an object with the type'],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'a b', schema: {} } } },
      'letters',
    ],
  ])('%#', async (more, message) => {
    const refused = ask(more);
    await expect(refused).rejects.toMatchObject({ status: 400 });
    await expect(refused).rejects.toMatchObject({
      param: expect.stringMatching(/^response_format/),
    });
    await expect(refused).rejects.toThrow(message);
  });
});
