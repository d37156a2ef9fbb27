/** What a pack keeps of the CUDA provider: the code that a run uses, where it lies. */
import { expect, it } from 'vitest';
import { sectionsOf } from '../../bench/cuda/pack/elf.ts';
import { slim } from '../../bench/cuda/pack/slim.ts';

const FATBIN = { address: 0x5000, offset: 0x200 };
const RODATA_OFFSET = 0x600;
const CODE_BYTES = 32;
const IMAGE_HEADER_BYTES = 64;
const CONTAINER_HEADER_BYTES = 16;
const CONTAINER_BYTES = CONTAINER_HEADER_BYTES + 2 * (IMAGE_HEADER_BYTES + CODE_BYTES);
/** From the library's base. */
const [FIRST, SECOND] = [FATBIN.address, FATBIN.address + CONTAINER_BYTES];

it('keeps the code of one architecture and of used kernels, and every offset', () => {
  const library = libraryOf([
    [80, 90],
    [80, 90],
  ]);
  const before = Buffer.from(library);
  expect(slim(library, 90, new Set([SECOND]))).toEqual({ kept: 1, keptBytes: CODE_BYTES });
  expect(library.length).toBe(before.length);
  const code = [0, 1, 2, 3].map((image) => library.subarray(...codeOf(image)));
  expect(code.map((bytes) => bytes.every((byte) => byte === 0))).toEqual([true, true, true, false]);
  expect(code[3]).toEqual(before.subarray(...codeOf(3)));
  // The first kernel's image for 90 is nobody's any more; the second's is.
  expect([0, 1, 2, 3].map((image) => architectureOf(library, image))).toEqual([80, 75, 80, 90]);
});

it('drops embedded files of other architectures', () => {
  const library = libraryOf([[90, 90]]);
  const places = [86, 90].map((architecture, i) =>
    embed(library, RODATA_OFFSET + 256 * i, architecture),
  );
  slim(library, 90, new Set([FIRST]));
  expect(places.map((place) => library[place])).toEqual([0, 7]);
});

it('finds sections by their names', () => {
  const names = sectionsOf(libraryOf([])).map(({ name }) => name);
  expect(names).toEqual(['.nv_fatbin', '.rodata', '.shstrtab']);
});

function codeOf(image: number): [number, number] {
  const container = FATBIN.offset + (image >> 1) * CONTAINER_BYTES + CONTAINER_HEADER_BYTES;
  const start = container + (image & 1) * (IMAGE_HEADER_BYTES + CODE_BYTES) + IMAGE_HEADER_BYTES;
  return [start, start + CODE_BYTES];
}

function architectureOf(library: Buffer, image: number): number {
  return library.readUInt32LE(codeOf(image)[0] - IMAGE_HEADER_BYTES + 28);
}

/** An ELF file as a GPU's code lies among constants; returns where its content is. */
function embed(library: Buffer, at: number, architecture: number): number {
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]).copy(library, at);
  library.writeUInt16LE(190, at + 0x12);
  library.writeBigUInt64LE(128n, at + 0x28);
  library.writeUInt32LE(architecture, at + 0x30);
  library.writeUInt16LE(64, at + 0x3a);
  library.writeUInt16LE(1, at + 0x3c);
  library[at + 100] = 7;
  return at + 100;
}

/** A library whose containers have two images each, of these architectures. */
function libraryOf(containers: readonly (readonly [number, number])[]): Buffer {
  const library = Buffer.alloc(0x1000);
  for (const [i, architectures] of containers.entries()) {
    const at = FATBIN.offset + i * CONTAINER_BYTES;
    library.writeUInt32LE(0xba55ed50, at);
    library.writeUInt16LE(CONTAINER_HEADER_BYTES, at + 6);
    library.writeBigUInt64LE(BigInt(CONTAINER_BYTES - CONTAINER_HEADER_BYTES), at + 8);
    for (const [k, architecture] of architectures.entries()) {
      const [start, end] = codeOf(2 * i + k);
      const image = start - IMAGE_HEADER_BYTES;
      library.writeUInt32LE(IMAGE_HEADER_BYTES, image + 4);
      library.writeBigUInt64LE(BigInt(CODE_BYTES), image + 8);
      library.writeUInt32LE(architecture, image + 28);
      library.fill(2 * i + k + 1, start, end);
    }
  }
  const names = '.nv_fatbin\0.rodata\0.shstrtab\0';
  const namesAt = 0xb00;
  library.write(names, namesAt, 'latin1');
  const table = 0xc00;
  library.writeBigUInt64LE(BigInt(table), 0x28);
  library.writeUInt16LE(64, 0x3a);
  library.writeUInt16LE(3, 0x3c);
  library.writeUInt16LE(2, 0x3e);
  const fatbinBytes = containers.length * CONTAINER_BYTES;
  const sections: [string, number, number, number][] = [
    ['.nv_fatbin', FATBIN.address, FATBIN.offset, fatbinBytes],
    ['.rodata', RODATA_OFFSET, RODATA_OFFSET, 0x300],
    ['.shstrtab', 0, namesAt, names.length],
  ];
  for (const [i, [name, address, offset, bytes]] of sections.entries()) {
    const at = table + 64 * i;
    library.writeUInt32LE(names.indexOf(name), at);
    library.writeBigUInt64LE(BigInt(address), at + 16);
    library.writeBigUInt64LE(BigInt(offset), at + 24);
    library.writeBigUInt64LE(BigInt(bytes), at + 32);
  }
  return library;
}
