/**
 * The neighbours of every token, kept beside a model for relaxed acceptance.
 *
 * `neighbours.bin`: `NEAR` ids a token, u32 little-endian, nearest first.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Neighbours } from './relaxed.ts';

export const NEIGHBOURS_FILE = 'neighbours.bin';
/** Neighbours that are kept of a token. */
export const NEAR = 16;

export class NeighbourTable implements Neighbours {
  private readonly ids: Int32Array;

  constructor(ids: Int32Array) {
    this.ids = ids;
  }

  of(token: number): Int32Array {
    return this.ids.subarray(token * NEAR, (token + 1) * NEAR);
  }
}

/** Undefined where the model has no table. Throws where its size is not that of the vocabulary; its tokens are not compared. */
export function readNeighbours(folder: string, vocabSize: number): NeighbourTable | undefined {
  const file = join(folder, NEIGHBOURS_FILE);
  if (!existsSync(file)) return undefined;
  const bytes = new Uint8Array(readFileSync(file));
  if (bytes.length !== 4 * NEAR * vocabSize) {
    throw new Error(
      `${file} is not of a vocabulary of ${vocabSize}: make it again with npx espalier model neighbours`,
    );
  }
  return new NeighbourTable(new Int32Array(bytes.buffer));
}
