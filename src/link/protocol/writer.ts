/** Writes a frame field by field, little-endian. Its mirror is the `Reader`. */
const FIRST_BYTES = 256;

const utf8 = new TextEncoder();

export class Writer {
  private buffer = new Uint8Array(FIRST_BYTES);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  /** @param type the frame's first byte */
  constructor(type: number) {
    this.u8(type);
  }

  u8(value: number): void {
    const at = this.grow(1);
    this.view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.grow(2);
    this.view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.grow(4);
    this.view.setUint32(at, value, true);
  }

  f32(value: number): void {
    const at = this.grow(4);
    this.view.setFloat32(at, value, true);
  }

  /** Bytes that mean nothing: zero. */
  pad(bytes: number): void {
    this.grow(bytes);
  }

  bytes(values: Uint8Array): void {
    const at = this.grow(values.length);
    this.buffer.set(values, at);
  }

  /** The first `n` token ids, in four bytes each if `wide`, else in two. */
  tokens(ids: ArrayLike<number>, n: number, wide: boolean): void {
    let at = this.grow(n * (wide ? 4 : 2));
    for (let i = 0; i < n; i++) {
      if (wide) this.view.setUint32(at, ids[i]!, true);
      else this.view.setUint16(at, ids[i]!, true);
      at += wide ? 4 : 2;
    }
  }

  floats(values: Float32Array): void {
    for (const value of values) this.f32(value);
  }

  /** The frame. The writer is not used again. */
  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  /** Makes room, in a new buffer and view if need be; returns where it begins. */
  private grow(bytes: number): number {
    const at = this.length;
    this.length += bytes;
    if (this.length > this.buffer.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.buffer.length));
      larger.set(this.buffer);
      this.buffer = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }
}

export function utf8Bytes(text: string): Uint8Array {
  return utf8.encode(text);
}

/** Whether any of the first `n` ids needs four bytes. */
export function needsWide(ids: ArrayLike<number>, n: number): boolean {
  for (let i = 0; i < n; i++) if (ids[i]! > 0xffff) return true;
  return false;
}
