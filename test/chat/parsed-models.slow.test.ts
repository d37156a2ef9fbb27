/** `parse()` of the SDKs: models of zod, and of pydantic as the Python SDK sends them. */
import { Validator } from '@cfworker/json-schema';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { type SharedService, sharedService } from '../support/shared-service.ts';
import pydantic from './pydantic-models.json' with { type: 'json' };

let service: SharedService;
let client: OpenAI;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});

const word = z.string().max(12);
const MODELS: Record<string, z.ZodType> = {
  bounded: z.object({
    share: z.number().min(0.25).max(0.75),
    count: z.int().multipleOf(3).positive(),
  }),
  formats: z.object({ at: z.iso.datetime(), day: z.iso.date(), id: z.uuid(), host: z.ipv4() }),
  pattern: z.object({ code: z.string().regex(/^[a-f]{3}-\d{1,4}$/) }),
  told: z.object({
    shape: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('circle'), radius: z.number().gt(0).lt(10) }),
      z.object({ kind: z.literal('word'), text: word }),
    ]),
  }),
  listed: z.object({
    tags: z
      .array(z.enum(['a', 'b']))
      .min(1)
      .max(3),
    none: z.null(),
  }),
  date: z.object({ day: z.iso.date(), share: z.number().multipleOf(0.01).min(0).max(1) }),
  nested: z.object({ who: z.object({ name: word, age: z.int().min(0).max(120).nullable() }) }),
};

const question = {
  messages: [{ role: 'user' as const, content: 'What is credit?' }],
  max_tokens: 1000,
  seed: 5,
  // At 0 the bundled model repeats a digit as long as a pattern lets it.
  temperature: 1.5,
};

test.each(Object.keys(MODELS))('zod: %s', async (name) => {
  const parsed = await client.chat.completions.parse({
    ...question,
    model: service.model,
    response_format: zodResponseFormat(MODELS[name]!, name),
  });
  expect(MODELS[name]!.parse(parsed.choices[0]!.message.parsed)).toBeTruthy();
});

test.each(Object.keys(pydantic.schemas))('pydantic: %s', async (name) => {
  const schema = pydantic.schemas[name as keyof typeof pydantic.schemas];
  const { choices } = await client.chat.completions.create({
    ...question,
    model: service.model,
    response_format: { type: 'json_schema', json_schema: { name, schema, strict: true } },
  });
  const { valid, errors } = new Validator(schema as object, '2020-12').validate(
    JSON.parse(choices[0]!.message.content!),
  );
  expect(valid, JSON.stringify(errors)).toBe(true);
});

test('without strict, what can’t be held is left out and named in a header', async () => {
  const schema = {
    type: 'object',
    properties: {
      tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 2, uniqueItems: true },
    },
    required: ['tags'],
  };
  const ask = (strict: boolean) =>
    client.chat.completions
      .create({
        ...question,
        model: service.model,
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict } },
      })
      .withResponse();
  const { data, response } = await ask(false);
  expect(JSON.parse(data.choices[0]!.message.content!).tags).toBeInstanceOf(Array);
  expect(response.headers.get('x-espalier-not-enforced')).toBe(
    'response_format.json_schema.schema.properties.tags.uniqueItems',
  );
  await expect(ask(true)).rejects.toMatchObject({
    status: 400,
    param: 'response_format.json_schema.schema.properties.tags.uniqueItems',
  });
});

test('a schema of 100 kB is taken', async () => {
  const schema = {
    type: 'object',
    description: 'long '.repeat(20_000),
    properties: { word: { enum: ['a', 'b'] } },
    required: ['word'],
    additionalProperties: false,
  };
  const { choices } = await client.chat.completions.create({
    ...question,
    model: service.model,
    response_format: { type: 'json_schema', json_schema: { name: 'long', schema } },
  });
  expect(JSON.parse(choices[0]!.message.content!)).toEqual({
    word: expect.stringMatching(/^[ab]$/),
  });
});
