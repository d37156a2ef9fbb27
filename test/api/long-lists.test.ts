/** A list that is too long is refused before its items are looked at: of a million, each would cost an issue. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { knownFields } from '../../src/api/body/fields.ts';
import { check } from '../../src/api/body/read.ts';
import { embeddingsRequest } from '../../src/api/embeddings/schema.ts';

let looked = 0;
const item = v.pipe(
  v.object({}),
  v.check(() => ++looked > 0),
);
const some = (most: number) => v.pipe(v.array(item), v.maxLength(most, `at most ${most}`));

test.each([
  ['a list', some(3), /at most 3/],
  [
    'the longer form of two',
    v.union([v.string(), some(2), some(3)], 'one of three forms'),
    /forms/,
  ],
  ['one that may be left out', v.nullish(some(3)), /at most 3/],
])('%s', (_, list, said) => {
  const schema = v.strictObject({ list });
  const body = (count: number) => ({ list: Array.from({ length: count }, () => ({})) });
  expect(() => knownFields(schema, body(4))).toThrow(said);
  expect(looked).toBe(0);
  expect(knownFields(schema, body(3)).value).toEqual(body(3));
});

test('a list without a limit, and a union with one of those, may have any length', () => {
  const list = v.union([v.array(item), some(3)]);
  const body = { list: Array.from({ length: 9 }, () => ({})) };
  expect(knownFields(v.strictObject({ list }), body).value).toEqual(body);
});

test('texts to embed are refused with what the field takes', () => {
  const body = { model: 'espalier-embed-1', input: Array.from({ length: 400_000 }, () => 'a') };
  expect(() => knownFields(embeddingsRequest, body)).toThrow(/a list of 1 to 256 of either/);
  const ids = { model: 'espalier-embed-1', input: Array.from({ length: 30_000 }, (_, id) => id) };
  expect(knownFields(embeddingsRequest, ids).value).toEqual(ids);
});

test('of items that are all wrong the first one is looked at, and named', () => {
  let seen = 0;
  const wrong = v.pipe(
    v.unknown(),
    v.check(() => ++seen < 0, 'is wrong'),
  );
  const schema = v.strictObject({ list: v.union([v.array(wrong), v.record(v.string(), wrong)]) });
  const error = expect.objectContaining({ path: ['list', 0], message: 'is wrong' });
  const list = Array.from({ length: 1_000 }, () => 1);
  expect(() => check(schema, { list })).toThrow(expect.objectContaining({ error }));
  // By each of the two forms.
  expect(seen).toBe(2);
});
