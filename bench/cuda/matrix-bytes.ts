import type { PreparedModel } from '../../gpu-backend/builder/prepare.ts';

/** Bytes of a model's matrices, each counted once: a table has two names where it is read in two shapes. */
export function matrixBytesOf({ layout }: PreparedModel): number {
  const parts = Object.values(layout.matrices).flatMap((matrix) => Object.values(matrix.parts));
  const pieces = new Map(parts.map(({ file, offset, bytes }) => [`${file} ${offset}`, bytes]));
  return [...pieces.values()].reduce((sum, bytes) => sum + bytes, 0);
}
