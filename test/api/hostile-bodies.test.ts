/** Bodies that were slow to read, or got a 500 or an answer as large as themselves. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { requireSmall } from '../../src/api/answers/response-format.ts';
import { parseJson } from '../../src/api/body/json.ts';
import { invalid, toWire } from '../../src/api/errors.ts';

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
