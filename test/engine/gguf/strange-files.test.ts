/** Files of which a few bytes are changed: what is refused is named, and nothing is taken in silence. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { addModel } from '../../../gpu-backend/builder/add-model.ts';
import { readGguf } from '../../../gpu-backend/builder/gguf/gguf-file.ts';
import { temporaryFolder } from '../models.ts';

const folder = temporaryFolder();
const FIXTURE = fileURLToPath(new URL('./fixtures/llama-biased-tied-q4_1.gguf', import.meta.url));
const Q8_0 = 8;

function change(name: string, edit: (data: Buffer) => void): string {
  const data = readFileSync(FIXTURE);
  edit(data);
  const file = join(folder, `${name}.gguf`);
  writeFileSync(file, data);
  return file;
}

function add(file: string, quantization: 'none' | 'int4') {
  return addModel(file, { cacheFolder: join(folder, 'cache'), compute: 'float32', quantization });
}

it.each(['none', 'int4'] as const)('a scale that is no number is refused in %s', async (form) => {
  const up = readGguf(FIXTURE).tensors.get('model.layers.0.mlp.up_proj.weight')!;
  expect(up.type).toBe('Q4_1');
  const file = change(`nan-${form}`, (data) => data.writeUInt16LE(0x7e00, up.offset));
  await expect(add(file, form)).rejects.toThrow(/mlp.up_proj.weight.* holds NaN/);
});

it('a tensor that the architecture does not have is refused with the file', async () => {
  // Of the same length.
  const file = change('norms', (data) => {
    data.write('attn_q_norm', data.indexOf('blk.0.attn_output.weight') + 'blk.0.'.length);
  });
  await expect(add(file, 'none')).rejects.toThrow(
    /norms.gguf: tensor ".*self_attn.q_norm.weight" is not supported/,
  );
});

it('blocks of a bias whose pairs lie apart are refused', () => {
  const name = 'blk.0.attn_q.bias';
  const file = change('bias', (data) => {
    const at = data.indexOf(name) + name.length;
    data.writeUInt32LE(Q8_0, at + 4 + 8 * data.readUInt32LE(at));
  });
  expect(() => readGguf(file)).toThrow(/"blk.0.attn_q.bias" in Q8_0 is not supported.*F32/);
});

it('a folder that is called like a file is refused as what it is', async () => {
  const target = join(folder, 'folder.gguf');
  mkdirSync(target);
  await expect(add(target, 'none')).rejects.toThrow(/not a model folder: it has no config.json/);
});
