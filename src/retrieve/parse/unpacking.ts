/** Bounds what packed bytes become: sizes that a file declares are only claims. */
import { pause } from '../../pause.ts';
import { UnreadableFile } from './document.ts';

/** Bytes that everything packed in one file may become. */
export const MAX_UNPACKED = 48 * 1024 * 1024;
/** And one member of it: as many as a file may have that is uploaded by itself. */
export const MAX_MEMBER = 24 * 1024 * 1024;
/**
 * Packed bytes given to the inflater at a time. Deflate makes at most 1,032 bytes
 * of one, and the runtime may inflate all it is given before anybody can count.
 */
const FEED = 4_096;
/** Bytes unpacked between two pauses: some milliseconds. */
const UNPACKED_A_SLICE = 1024 * 1024;

/** Shared by a file and all that is packed in it. */
export class UnpackingRoom {
  private left = MAX_UNPACKED;
  /** What it threw when it was used up. */
  fault: UnreadableFile | null = null;

  /** Throws `UnreadableFile` unless that many bytes more may be unpacked. */
  require(bytes: number): void {
    if (bytes <= this.left) return;
    this.fault = new UnreadableFile(
      'invalid_file',
      `the file unpacks to more than ${MAX_UNPACKED} bytes: split it`,
    );
    throw this.fault;
  }

  take(bytes: number): void {
    this.require(bytes);
    this.left -= bytes;
  }
}

export type Packing = 'deflate-raw' | 'deflate';

/** What the bytes inflate to, in parts. Throws what `count` throws of a part's size. */
export async function* inflate(
  packed: Uint8Array<ArrayBuffer>,
  packing: Packing,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new DecompressionStream(packing);
  const writer = writable.getWriter();
  const reader = readable.getReader();
  let isRead = true;
  async function feed(): Promise<void> {
    for (let at = 0; isRead && at < packed.length; at += FEED) {
      await writer.write(packed.subarray(at, at + FEED));
    }
    if (isRead) await writer.close();
  }
  // A failure shows on the readable side, or nobody reads any more.
  feed().catch(() => {});
  let sincePause = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      count(value.byteLength);
      yield value;
      sincePause += value.byteLength;
      if (sincePause < UNPACKED_A_SLICE) continue;
      await pause();
      sincePause = 0;
    }
  } finally {
    // It is not cancelled: Node's inflater throws where nobody can catch it if it is at work then.
    isRead = false;
    reader.releaseLock();
  }
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
