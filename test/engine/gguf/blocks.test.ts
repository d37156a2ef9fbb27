/** Every quantised type gives the reference implementation's values, to the bit. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BLOCK_TYPES } from '../../../gpu-backend/builder/gguf/block-types.ts';

const golden: Record<string, { blocks: string; values: string }> = JSON.parse(
  readFileSync(new URL('./fixtures/blocks.json', import.meta.url), 'utf8'),
);

it('has golden values for every type', () => {
  expect(Object.keys(golden).sort()).toEqual(Object.keys(BLOCK_TYPES).sort());
});

it.each(Object.entries(BLOCK_TYPES))('%s', (name, { values, bytes, dequantise }) => {
  const blocks = Uint8Array.from(Buffer.from(golden[name]!.blocks, 'base64'));
  const expected = Uint8Array.from(Buffer.from(golden[name]!.values, 'base64'));
  const out = new Float32Array((blocks.length / bytes) * values);
  dequantise(blocks, out);
  expect(new Uint8Array(out.buffer)).toEqual(expected);
});
