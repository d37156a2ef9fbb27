/** What a quantised type of GGUF is to a reader. */
import { float16Values } from '../float16.ts';

/** Turns whole blocks into their values, exactly as ggml's reference code computes them in float32. */
type Dequantise = (blocks: Uint8Array, out: Float32Array) => void;

export interface BlockFormat {
  /** Values of a block; rows are whole blocks. */
  values: number;
  /** Bytes of a block. */
  bytes: number;
  dequantise: Dequantise;
}

/**
 * `read(bytes, at, out, to)` turns the block at byte `at` into values from
 * `out[to]` on. Its arithmetic is in doubles, where products of a float16 and
 * small integers are exact: storing rounds once, as float32 arithmetic would.
 */
export function blockFormat(
  values: number,
  bytes: number,
  read: (bytes: Uint8Array, at: number, out: Float32Array, to: number) => void,
): BlockFormat {
  return {
    values,
    bytes,
    dequantise(blocks, out) {
      for (let at = 0, to = 0; at < blocks.length; at += bytes, to += values) {
        read(blocks, at, out, to);
      }
    },
  };
}

/** The float16 at byte `at`. */
export function readFloat16(bytes: Uint8Array, at: number): number {
  return float16Values()[bytes[at]! | (bytes[at + 1]! << 8)]!;
}
