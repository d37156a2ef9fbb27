/**
 * A CUDA provider with the device code of one architecture and of the kernels that are used, the
 * rest zeroed: it packs to a twentieth. Every offset stays, and so do host code and registrations.
 * A kernel that was left out is marked as another architecture's, so that a driver finds no image
 * for it in place of a damaged one; code is loaded when it is first used.
 */
import { type Section, sectionNamed } from './elf.ts';

const CONTAINER_MAGIC = 0xba55ed50;
/** Of an image's header within a container: its own size, the code's, and its architecture. */
const HEADER_BYTES = 4;
const CODE_BYTES = 8;
const ARCHITECTURE = 28;
/** An architecture that no GPU with this pack has. */
const NO_ARCHITECTURE = 75;
const CUDA_MACHINE = 190;
const ELF_HEADER_BYTES = 64;

export interface Slimmed {
  keptBytes: number;
  /** Containers whose code was kept. */
  kept: number;
}

interface Image {
  /** Its container, as the trace names it: from the library's base. */
  container: number;
  at: number;
  headerBytes: number;
  bytes: number;
  architecture: number;
}

/** Changes `provider` in place. @param used containers, from the library's base */
export function slim(provider: Buffer, architecture: number, used: ReadonlySet<number>): Slimmed {
  const slimmed: Slimmed = { keptBytes: 0, kept: 0 };
  for (const image of imagesOf(provider, sectionNamed(provider, '.nv_fatbin'))) {
    const { container, at, headerBytes, bytes } = image;
    if (image.architecture === architecture && used.has(container)) {
      slimmed.keptBytes += bytes;
      slimmed.kept++;
      continue;
    }
    provider.fill(0, at + headerBytes, at + headerBytes + bytes);
    if (image.architecture === architecture) {
      provider.writeUInt32LE(NO_ARCHITECTURE, at + ARCHITECTURE);
    }
  }
  dropEmbedded(provider, sectionNamed(provider, '.rodata'), architecture);
  return slimmed;
}

function* imagesOf(file: Buffer, section: Section): Generator<Image> {
  const end = section.offset + section.bytes;
  for (let at = section.offset; at + 16 <= end; ) {
    if (file.readUInt32LE(at) !== CONTAINER_MAGIC) {
      at += 8;
      continue;
    }
    const container = at - section.offset + section.address;
    const first = at + file.readUInt16LE(at + 6);
    const stop = first + Number(file.readBigUInt64LE(at + 8));
    for (let image = first; image < stop; ) {
      const headerBytes = file.readUInt32LE(image + HEADER_BYTES);
      const bytes = Number(file.readBigUInt64LE(image + CODE_BYTES));
      yield {
        container,
        at: image,
        headerBytes,
        bytes,
        architecture: file.readUInt32LE(image + ARCHITECTURE),
      };
      image += headerBytes + bytes;
    }
    at = stop;
  }
}

/** TensorRT's attention lies among the constants, as whole ELF files: those of other architectures go. */
function dropEmbedded(file: Buffer, section: Section, architecture: number): void {
  const magic = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  const end = section.offset + section.bytes;
  for (
    let at = file.indexOf(magic, section.offset);
    at >= 0 && at < end;
    at = file.indexOf(magic, at + 1)
  ) {
    const table = Number(file.readBigUInt64LE(at + 0x28));
    const length = table + file.readUInt16LE(at + 0x3a) * file.readUInt16LE(at + 0x3c);
    const other = (file.readUInt32LE(at + 0x30) & 0xff) !== architecture;
    if (file.readUInt16LE(at + 0x12) === CUDA_MACHINE && other && at + length <= end) {
      file.fill(0, at + ELF_HEADER_BYTES, at + length);
    }
  }
}
