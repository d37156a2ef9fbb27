/** A matrix's part as it is loaded: from its file, its heads in the order of `HeadOrder`. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { HeadOrder, TurnedSide } from '../builder/head-order.ts';

/** Where a part lies, and how it is to be turned. */
export interface PartSource {
  file: string;
  offset: number;
  bytes: number;
  /** Rows of the matrix; each is as many bytes of the part. */
  rows: number;
  heads: number;
  headDim: number;
  side?: TurnedSide | undefined;
  order?: HeadOrder | undefined;
}

/** Bytes that can be read at once must be a multiple of this. */
export function unitOf({ side, bytes, rows }: PartSource): number {
  return side === 'columns' ? bytes / rows : 1;
}

/** Fills `target` with the part's bytes from `start` on, turned. `start` and the length are whole units. */
export function readPart(source: PartSource, target: Uint8Array, start: number): void {
  const { file, side, order } = source;
  const descriptor = openSync(file, 'r');
  try {
    if (side === 'rows') readTurnedRows(descriptor, source, order!, target, start);
    else readInto(descriptor, file, target, source.offset + start);
  } finally {
    closeSync(descriptor);
  }
  if (side === 'columns') turnColumns(source, order!, target);
}

/** Head by head; what follows the heads, keys and values of a joined matrix, as it lies. */
function readTurnedRows(
  descriptor: number,
  { file, offset, bytes, rows, heads, headDim }: PartSource,
  order: HeadOrder,
  target: Uint8Array,
  start: number,
): void {
  const head = (bytes / rows) * headDim;
  const end = start + target.length;
  for (let at = start; at < end; ) {
    const place = Math.floor(at / head);
    const within = at % head;
    const isHead = place < heads;
    const from = isHead ? order.headAt(place) * head + within : at;
    const to = isHead ? Math.min(end, at - within + head) : end;
    readInto(descriptor, file, target.subarray(at - start, to - start), offset + from);
    at = to;
  }
}

/** The heads of each row, in place. */
function turnColumns({ bytes, rows, heads }: PartSource, order: HeadOrder, all: Uint8Array): void {
  const row = bytes / rows;
  const head = row / heads;
  const before = new Uint8Array(row);
  for (let start = 0; start < all.length; start += row) {
    before.set(all.subarray(start, start + row));
    for (let place = 0; place < heads; place++) {
      const from = order.headAt(place) * head;
      all.set(before.subarray(from, from + head), start + place * head);
    }
  }
}

function readInto(descriptor: number, file: string, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    const read = readSync(descriptor, bytes, done, bytes.length - done, offset + done);
    if (read === 0) throw new Error(`${file} is shorter than its layout says: delete its folder`);
    done += read;
  }
}
