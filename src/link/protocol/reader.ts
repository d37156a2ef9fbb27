/**
 * Reads a frame field by field, little-endian, and trusts nothing: a field beyond
 * the frame's end throws `FrameError` before anything is allocated for it.
 */
import { SOURCE_NAMES, type Source } from '../../draft/source.ts';
import { fail, MAX_FRAME_BYTES, MAX_TOKEN_ID } from './wire.ts';

export class Reader {
  private readonly frame: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  /** Throws unless the frame is of this type and no longer than `MAX_FRAME_BYTES`. */
  constructor(frame: Uint8Array, type: number) {
    if (frame.length > MAX_FRAME_BYTES) {
      fail(`frame of ${frame.length} bytes; at most ${MAX_FRAME_BYTES}`);
    }
    this.frame = frame;
    this.view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const found = this.u8();
    if (found !== type) fail(`frame type ${found}, expected ${type}`);
  }

  /** Bytes that are left. */
  get left(): number {
    return this.frame.length - this.at;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  skip(bytes: number): void {
    this.take(bytes);
  }

  /** The next bytes, not copied. */
  bytes(n: number): Uint8Array {
    const at = this.take(n);
    return this.frame.subarray(at, at + n);
  }

  u16s(n: number): Uint16Array {
    const at = this.take(2 * n);
    return Uint16Array.from({ length: n }, (_, i) => this.view.getUint16(at + 2 * i, true));
  }

  floats(n: number): Float32Array {
    const at = this.take(4 * n);
    const values = new Float32Array(n);
    for (let i = 0; i < n; i++) values[i] = this.view.getFloat32(at + 4 * i, true);
    return values;
  }

  /** `n` token ids, of four bytes each if `wide`, else of two. */
  tokens(n: number, wide: boolean): Int32Array {
    const width = wide ? 4 : 2;
    const at = this.take(n * width);
    const ids = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const id = wide
        ? this.view.getUint32(at + i * width, true)
        : this.view.getUint16(at + i * width, true);
      if (id > MAX_TOKEN_ID) fail(`token id ${id}; at most ${MAX_TOKEN_ID}`);
      ids[i] = id;
    }
    return ids;
  }

  source(): Source {
    return knownSource(this.u8());
  }

  /** `n` sources, not copied. */
  sources(n: number): Uint8Array {
    const bytes = this.bytes(n);
    for (const byte of bytes) knownSource(byte);
    return bytes;
  }

  /** Throws unless all was read. */
  end(): void {
    if (this.left > 0) fail(`frame of ${this.frame.length} bytes, expected ${this.at}`);
  }

  private take(bytes: number): number {
    const at = this.at;
    if (at + bytes > this.frame.length) fail(`frame of ${this.frame.length} bytes is cut short`);
    this.at += bytes;
    return at;
  }
}

function knownSource(byte: number): Source {
  if (byte >= SOURCE_NAMES.length) fail(`source ${byte} is not known`);
  return byte as Source;
}
