/** GGUF headers: what is read of sound ones, and what is said of those that lie. */
import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readGguf } from '../../../gpu-backend/builder/gguf/gguf-file.ts';
import { GGUF_LIMITS, readHeader } from '../../../gpu-backend/builder/gguf/header.ts';
import { readRows, readStored } from '../../../gpu-backend/builder/tensor-reader.ts';
import { temporaryFolder } from '../models.ts';
import { type GgufSpec, type TensorSpec, u32, u64, writeGguf } from './write-gguf.ts';

const folder = temporaryFolder();
const LLAMA: GgufSpec['metadata'] = [
  ['general.architecture', 'llama'],
  ['llama.embedding_length', { u32: 32 }],
  ['llama.attention.head_count', { u32: 8 }],
];
const QUERY = 'blk.0.attn_q.weight';

let written = 0;
const write = (spec: GgufSpec) => writeGguf(join(folder, `${written++}.gguf`), spec);
/** A float32 tensor of 32 × `rows` that counts upwards. */
function counting(name: string, rows: number): TensorSpec {
  const values = Float32Array.from({ length: 32 * rows }, (_, i) => i);
  return { name, dimensions: [32, rows], type: 0, data: new Uint8Array(values.buffer) };
}
const indexOf = (tensor: Partial<TensorSpec>, metadata = LLAMA) => {
  const file = write({ metadata, tensors: [{ ...counting(QUERY, 4), ...tensor }] });
  return () => readGguf(file).tensors;
};

describe('a sound header', () => {
  it('gives every type of value', () => {
    const f64 = Buffer.alloc(8);
    f64.writeDoubleLE(0.1);
    const file = write({
      metadata: [
        ['text', 'naïve ☃'],
        ['yes', true],
        ['u8', { raw: Buffer.from([200]), type: 0 }],
        ['i8', { raw: Buffer.from([200]), type: 1 }],
        ['u16', { raw: Buffer.from([1, 2]), type: 2 }],
        ['i16', { raw: Buffer.from([255, 255]), type: 3 }],
        ['u32', { u32: 4_000_000_000 }],
        ['i32', { raw: u32(0xffffffff), type: 5 }],
        ['f32', { f32: 0.5 }],
        ['u64', { raw: u64(2 ** 40), type: 10 }],
        ['i64', { raw: u64(0xffff_ffff_ffff_fffen), type: 11 }],
        ['f64', { raw: f64, type: 12 }],
        ['texts', { array: ['a', '', 'b'] }],
        ['numbers', { array: [{ u32: 1 }, { u32: 2 }] }],
      ],
    });
    expect(Object.fromEntries(readHeader(file).metadata)).toEqual({
      text: 'naïve ☃',
      yes: true,
      u8: 200,
      i8: -56,
      u16: 513,
      i16: -1,
      u32: 4_000_000_000,
      i32: -1,
      f32: 0.5,
      u64: 2 ** 40,
      i64: -2,
      f64: 0.1,
      texts: ['a', '', 'b'],
      numbers: [1, 2],
    });
  });

  it('reads strings longer than a chunk of the file', () => {
    const long = 'x'.repeat(3_000_000);
    const file = write({ metadata: [['a', long], ['b', 'after']] }); // biome-ignore format: a list
    expect(readHeader(file).metadata.get('a')).toBe(long);
    expect(readHeader(file).metadata.get('b')).toBe('after');
  });

  it('takes version 2', () => {
    expect(readHeader(write({ version: 2 })).tensors).toEqual([]);
  });
});

describe('tensors', () => {
  it('come under the checkpoint’s names, the contiguous dimension last', () => {
    const index = indexOf(counting('blk.7.ffn_down.weight', 4))();
    expect(index.get('model.layers.7.mlp.down_proj.weight')).toMatchObject({
      type: 'F32',
      shape: [4, 32],
      bytes: 512,
    });
  });

  it('of queries and keys come in the checkpoint’s order of rows', () => {
    // Heads of four rows: the file has dimensions 0, 2 of the checkpoint's head at 0, 1 and so on.
    const [tensor] = indexOf(counting(QUERY, 8))().values();
    const firsts = [...readRows(tensor!)].flatMap((rows) =>
      Array.from({ length: rows.length / 32 }, (_, row) => rows[row * 32]! / 32),
    );
    expect(firsts).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    expect(Buffer.concat([...readStored(tensor!)]).readFloatLE(128)).toBe(64);
  });

  it('of other architectures come as they lie', () => {
    const metadata: GgufSpec['metadata'] = [['general.architecture', 'qwen2']];
    const [tensor] = indexOf(counting(QUERY, 4), metadata)().values();
    expect(tensor!.pairedRows).toBeUndefined();
  });
});

describe('a file that', () => {
  it.each<[string, GgufSpec, RegExp]>([
    ['is something else', { magic: 'PK\u0003\u0004' }, /is not a GGUF file/],
    ['is empty', { cutAt: 0 }, /is not a GGUF file/],
    ['is big-endian', { bigEndian: true }, /big-endian; supported: little-endian/],
    ['is of version 1', { version: 1 }, /version 1; supported: 2, 3/],
    ['claims absurdly many tensors', { tensorCount: 2n ** 60n }, /tensors, more than 100000/],
    ['claims more tensors than it has', { tensorCount: 2 }, /ends inside its header/],
    ['claims absurdly many entries', { entryCount: 2n ** 63n }, /entries, more than 10000/],
    ['has a key too long', { metadata: [['k'.repeat(1025), true]] }, /1025 bytes in a key/],
    ['names a key twice', { metadata: [['k', true], ['k', true]] }, /"k" twice/], // biome-ignore format: a table
    [
      'claims an absurd string',
      { metadata: [['k', { raw: u64(2n ** 62n), type: 8 }]] },
      /bytes in a string, more than/,
    ],
    [
      'claims a string beyond its end',
      { metadata: [['k', { raw: u64(GGUF_LIMITS.stringBytes), type: 8 }]] },
      /ends inside its header/,
    ],
    [
      'has a header too large',
      { metadata: Array.from({ length: 5 }, (_, i) => [`k${i}`, ' '.repeat(15 << 20)]) },
      /bytes of header, more than/,
    ],
    [
      'claims an absurd array',
      { metadata: [['k', { raw: Buffer.concat([u32(0), u64(2n ** 50n)]), type: 9 }]] },
      /values in an array, more than/,
    ],
    [
      'claims an array beyond its end',
      { metadata: [['k', { raw: Buffer.concat([u32(12), u64(4 << 20)]), type: 9 }]] },
      /ends inside its header/,
    ],
    [
      'nests arrays',
      { metadata: [['k', { raw: Buffer.concat([u32(9), u64(1)]), type: 9 }]] },
      /"k" as arrays of arrays/,
    ],
    [
      'has a type of value that does not exist',
      { metadata: [['k', { raw: Buffer.alloc(0), type: 13 }]] },
      /unknown type 13/,
    ],
    [
      'aligns to no power of two',
      { metadata: [['general.alignment', { u32: 48 }]] },
      /aligns to 48/,
    ],
    [
      'aligns absurdly',
      { metadata: [['general.alignment', { u32: 2 ** 30 }]] },
      /bytes of alignment, more than/,
    ],
    [
      'has a tensor of five dimensions',
      { tensors: [{ ...counting('a', 1), dimensions: [32, 1, 1, 1, 1] }] },
      /5 dimensions of a tensor, more than 4/,
    ],
    [
      'has a tensor’s name too long',
      { tensors: [counting('n'.repeat(1025), 1)] },
      /1025 bytes in a tensor’s name/,
    ],
  ])('%s', (_, spec, message) => {
    expect(() => readHeader(write(spec))).toThrow(message);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['is cut short', indexOf({ dimensions: [32, 400] }), /is cut short: "blk.0.attn_q.weight"/],
    ['has no rows', indexOf({ dimensions: [32, 0] }), /the dimensions \[32, 0\]/],
    ['has no dimensions', indexOf({ dimensions: [] }), /the dimensions \[\]/],
    [
      'multiplies beyond numbers',
      indexOf({ dimensions: [32, 2n ** 50n, 2n ** 50n] }),
      /dimensions/,
    ],
    ['lies beyond numbers', indexOf({ offset: 2n ** 63n }), /is cut short/],
    ['is not aligned', indexOf({ offset: 4 }), /unaligned/],
    ['cuts blocks', indexOf({ dimensions: [48, 4], type: 2 }), /rows of 48, not whole Q4_0/],
    ['has half a head', indexOf({ dimensions: [32, 3] }), /of 3 rows, not whole heads/],
    ['is of an unsupported type', indexOf({ type: 16 }), /IQ2_XXS.*not supported.*Q4_0.*IQ4_NL/],
    ['is of a type that does not exist', indexOf({ type: 99 }), /type 99.*not supported/],
    ['belongs to no decoder', indexOf({ name: 'v.patch.weight' }), /"v.patch.weight".*attn_q/],
    [
      'belongs to experts',
      indexOf({ name: 'blk.0.ffn_gate_inp.weight' }),
      /"blk.0.ffn_gate_inp.weight" is not supported/,
    ],
    [
      'belongs to another architecture',
      indexOf({}, [['general.architecture', 'mamba']]),
      /"mamba" is not supported; supported: llama, mistral, qwen2, qwen3/,
    ],
    ['says nothing of heads', indexOf({}, LLAMA!.slice(0, 1)), /llama.embedding_length/],
  ])('holds a tensor that %s', (_, read, message) => {
    expect(read).toThrow(message);
  });

  it('is one of several', () => {
    const parts: GgufSpec['metadata'] = [...LLAMA!, ['split.count', { u32: 3 }]];
    expect(() => readGguf(write({ metadata: parts }))).toThrow(/one of 3 parts; merge them first/);
  });

  it.each([
    ['a row', 'blk.0.ffn_up.weight', 1],
    ['a head', QUERY, 4],
  ])('holds %s too long to read at once', (_, name, rows) => {
    // As blocks of two bits, and mostly a hole in the file.
    const wide = GGUF_LIMITS.valuesTogether / rows + 256;
    const tensor = { name, dimensions: [wide, rows], type: 10, data: new Uint8Array(0) };
    const file = write({ metadata: LLAMA!, tensors: [tensor] });
    truncateSync(file, statSync(file).size + (wide / 256) * 84 * rows);
    expect(() => readGguf(file)).toThrow(/values in a row or a head, more than/);
  });

  it('holds tensors that overlap', () => {
    const file = write({
      metadata: LLAMA!,
      tensors: [counting(QUERY, 4), { ...counting('blk.0.attn_k.weight', 4), offset: 480 }],
    });
    expect(() => readGguf(file)).toThrow(/attn_k.weight" overlap "blk.0.attn_q.weight"/);
  });

  it('holds a tensor twice', () => {
    const file = write({ metadata: LLAMA!, tensors: [counting(QUERY, 4), counting(QUERY, 4)] });
    expect(() => readGguf(file)).toThrow(/names a tensor twice/);
  });

  it('is at fault is named', () => {
    expect(() => readGguf(write({ magic: 'NOPE' }))).toThrow(/\d+\.gguf is not a GGUF/);
  });
});
