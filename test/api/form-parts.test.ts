/** Multipart bodies that took the runtime seconds at once are refused before it reads them. */
import { expect, test } from 'vitest';
import { boundaryOf, partsOf } from '../../src/api/body/form-parts.ts';

const FIELD = 'Content-Disposition: form-data; name="k"\r\n\r\nx';
const form = (...parts: string[]) =>
  new Uint8Array(Buffer.from(`${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--\r\n`));
const textOf = (parts: Uint8Array[]) => parts.map((part) => Buffer.from(part).toString());

test('parts are what is between delimiters', async () => {
  expect(textOf(await partsOf(form(FIELD, FIELD), 'b'))).toEqual([
    `\r\n${FIELD}`,
    `\r\n${FIELD}`,
    '--\r\n',
  ]);
  const bare = new Uint8Array(Buffer.from('--b\nx\n--b--'));
  expect(textOf(await partsOf(bare, 'b'))).toEqual(['\nx', '--']);
  expect(boundaryOf('multipart/form-data; boundary="a b"; x=y')).toBe('a b');
  expect(boundaryOf('application/json; boundary=a')).toBeNull();
});

test.each([
  ['parts without number', form(...Array.from({ length: 100 }, () => FIELD)), 'more than 64 parts'],
  ['a head of megabytes', form(FIELD.replace('k', 'k'.repeat(1e6))), 'head of more than'],
  ['a head without an end', form('x'.repeat(10_000)), 'head of more than'],
])('refused: %s', async (_, bytes, message) => {
  await expect(partsOf(bytes, 'b')).rejects.toThrow(message);
});

test('what almost delimits is content', async () => {
  const boundary = 'a'.repeat(70);
  const near = `\r\n--${'a'.repeat(69)}b`;
  const bytes = new Uint8Array(Buffer.from(`--${boundary}\r\n\r\n\r\n${near.repeat(60_000)}\r`));
  expect(await partsOf(bytes, boundary)).toHaveLength(1);
});
