/** Bodies that were slow to read, or got a 500 or an answer as large as themselves. */
import * as v from 'valibot';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { requireSmall } from '../../src/api/answers/response-format.ts';
import { templateFields } from '../../src/api/answers/template-fields.ts';
import { knownFields } from '../../src/api/body/fields.ts';
import { parseJson } from '../../src/api/body/json.ts';
import { check } from '../../src/api/body/read.ts';
import { invalid, toWire } from '../../src/api/errors.ts';

// Only schemas are read here: what runs on the platform runs in the service.
vi.mock('cloudflare:workers', () => ({ DurableObject: class {} }));
vi.mock('../../models/draft/edge.onnx', () => ({ default: new ArrayBuffer(0) }));
vi.mock('../../src/onnx/runtime.ts', () => ({
  createSession: null,
  heapBytes: null,
  Tensor: null,
}));

// Its types are the worker's, which these are not.
const { attachment, storeCreation } = await vi.importActual<{
  attachment: v.GenericSchema;
  storeCreation: v.GenericSchema;
}>('../../src/api/vector-stores/schema.ts');

describe('a seed of 64 bits', () => {
  const SEED = '1234567890123456789';

  test.each([
    [`{"seed":${SEED}}`, BigInt(SEED)],
    [`{"seed" : -${SEED} , "n": 1}`, -BigInt(SEED)],
    [`{"metadata":{"seed":1234567890123456788},"seed":${SEED}}`, BigInt(SEED)],
    [`{"seed":${SEED},"metadata":[{"seed":1234567890123456788}]}`, BigInt(SEED)],
    [`{"seed":1,"seed":${SEED}}`, BigInt(SEED)],
    [`{"seed":${SEED},"seed":1}`, 1],
    [`{"a\\"seed":${SEED},"seed":7}`, 7],
    [`{"user":"\\"seed\\":${SEED}","seed":1e300}`, 1e300],
    ['{"seed":12345678901234567.5}', Number('12345678901234567.5')],
    ['{"seed":9007199254740991}', 9007199254740991],
    [`{"seed":"${SEED}"}`, SEED],
  ])('of %s', (text, seed) => {
    expect((parseJson(text) as { seed: unknown }).seed).toBe(seed);
  });

  test('leaves all else as it is', () => {
    const text = `{"metadata":{"seed":${SEED}},"seed":${SEED}}`;
    expect(parseJson(text)).toEqual({
      metadata: { seed: Number(SEED) },
      seed: BigInt(SEED),
    });
  });

  test('is found by two parses that visit no value, as a reviver would', () => {
    const parse = vi.spyOn(JSON, 'parse');
    onTestFinished(() => parse.mockRestore());
    parseJson(`{"seed":${SEED},"metadata":[${'1,'.repeat(1_000)}1]}`);
    expect(parse.mock.calls.map((call) => call.length)).toEqual([1, 1]);
  });
});

test.each([300, 5_000, 12_000, 60_000])('a schema nested %i deep is refused by name', (depth) => {
  const schema = JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
  expect(() => requireSmall(schema, ['tools'])).toThrow('more than 256 deep: flatten it');
});

test('a message quotes the ends of what is long', () => {
  const { body } = toWire(invalid(['k'.repeat(1e6)], `no "${'x'.repeat(1e6)}": use y`).error);
  expect(body.error.message.length).toBeLessThan(1_100);
  expect(body.error.message).toMatch(/^k+….*x": use y$/);
  expect(body.error.param!.length).toBeLessThan(1_100);
});

test.each([
  ['a list for an object', v.strictObject({ a: v.optional(v.string()) }), [], 'must be an object'],
  ['a list for labels', storeCreation, { metadata: ['a'] }, 'must be an object'],
  ['a list for attributes', attachment, { file_id: 'a', attributes: [1] }, 'must be an object'],
])('refused by name: %s', (_, schema, body, message) => {
  expect(() => knownFields(schema, body)).toThrow(message);
});

test('a number beyond all numbers is no attribute', () => {
  const body = JSON.parse('{"file_id":"a","attributes":{"a":1e400}}');
  expect(() => check(attachment, body)).toThrow('finite');
});

test.each(['range', 'none', 'raise_exception', 'namespace'])(
  'what the language of templates has is no variable: %s',
  (name) => {
    const schema = v.strictObject(templateFields);
    expect(() => check(schema, { chat_template_kwargs: { [name]: 1 } })).toThrow('by the server');
  },
);
