/**
 * Every message is a frame and its seal: the CRC-32 of the frame (IEEE 802.3),
 * offset by the frame's number in its direction. One check thus finds what a
 * broken middlebox can do to a message: damage, loss, repetition and a changed
 * order. TLS finds forgery; this finds accidents, also where TLS ends early.
 */
import { FrameError } from './wire.ts';

export const SEAL_BYTES = 4;

/** Damaged, lost, repeated or out of order on its way: opening the turn again helps. */
export class SealError extends FrameError {
  override name = 'SealError';
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array, length: number): number {
  let crc = -1;
  for (let i = 0; i < length; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc;
}

/** Seals the frames of one direction, in the order they are sent. */
export class Sealer {
  private count = 0;

  /** A message to send. O(bytes). */
  seal(frame: Uint8Array): Uint8Array {
    const message = new Uint8Array(frame.length + SEAL_BYTES);
    message.set(frame);
    new DataView(message.buffer).setInt32(
      frame.length,
      (crc32(frame, frame.length) + this.count++) | 0,
      true,
    );
    return message;
  }
}

/** Opens the messages of one direction, in the order they were sealed. */
export class Opener {
  private count = 0;

  /** The frame inside, without copying. Throws `SealError`. O(bytes). */
  open(message: Uint8Array): Uint8Array {
    const length = message.length - SEAL_BYTES;
    if (length < 1) throw new SealError(`message of ${message.length} bytes is cut short`);
    const seal = new DataView(message.buffer, message.byteOffset, message.length);
    if (seal.getInt32(length, true) !== ((crc32(message, length) + this.count) | 0)) {
      throw new SealError(`message ${this.count} was damaged, lost, repeated or out of order`);
    }
    this.count++;
    return message.subarray(0, length);
  }
}
