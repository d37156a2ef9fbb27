/** Reads little-endian values of a file one after another, a chunk of it in memory. */
import { fstatSync, readSync } from 'node:fs';
import { GgufError } from './gguf-error.ts';

const CHUNK_BYTES = 1 << 20;

export class FileCursor {
  readonly fileBytes: number;
  private readonly descriptor: number;
  private chunk = Buffer.alloc(0);
  private chunkStart = 0;
  private at = 0;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
    this.fileBytes = fstatSync(descriptor).size;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.chunkStart + this.at;
  }

  u8 = () => this.take(1).readUInt8();
  i8 = () => this.take(1).readInt8();
  u16 = () => this.take(2).readUInt16LE();
  i16 = () => this.take(2).readInt16LE();
  u32 = () => this.take(4).readUInt32LE();
  i32 = () => this.take(4).readInt32LE();
  f32 = () => this.take(4).readFloatLE();
  f64 = () => this.take(8).readDoubleLE();
  /** Rounded to a double beyond 2^53. */
  u64 = () => Number(this.take(8).readBigUInt64LE());
  i64 = () => Number(this.take(8).readBigInt64LE());

  /** Invalid UTF-8 becomes U+FFFD. */
  utf8(bytes: number): string {
    return this.take(bytes).toString('utf8');
  }

  /** The next bytes, valid until the next read. */
  private take(bytes: number): Buffer {
    if (this.at + bytes > this.chunk.length) this.refill(bytes);
    const taken = this.chunk.subarray(this.at, this.at + bytes);
    this.at += bytes;
    return taken;
  }

  private refill(bytes: number): void {
    const start = this.position;
    // Checked before allocating: a length may claim anything.
    if (bytes > this.fileBytes - start) throw new GgufError('ends inside its header');
    const chunk = Buffer.alloc(Math.min(Math.max(bytes, CHUNK_BYTES), this.fileBytes - start));
    for (let filled = 0; filled < chunk.length; ) {
      const read = readSync(this.descriptor, chunk, filled, chunk.length - filled, start + filled);
      if (read === 0) throw new GgufError('ends inside its header');
      filled += read;
    }
    this.chunk = chunk;
    this.chunkStart = start;
    this.at = 0;
  }
}
