/**
 * Whether a row's logits are the same bits in other company. Nothing promises it on a GPU, whose
 * kernels are chosen by size; captured graphs have one size for each bucket of rows.
 */
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { chainRow, feed, upTo } from '../../test/engine/driver.ts';
import { sessionWith } from '../engine/setup.ts';

/** Rows that are compared, and those among them that are the same bits. */
export interface EqualBits {
  rows: number;
  /** As the beginning of a longer chain, of the same power of two. */
  inBucket: number;
  /** Beside another session. */
  inCompany: number;
  /** Fed one by one. */
  alone: number;
}

const ROWS = 9;
const LONGER_ROWS = 16;
const CONTEXT = 64;

export async function equalBits(engine: OrtEngine): Promise<EqualBits> {
  const { vocabSize } = engine.limits;
  const tokens = upTo(LONGER_ROWS).map((i) => (i * 31 + 5) % vocabSize);
  const slot = await sessionWith(engine, CONTEXT, 'bits');
  const other = await sessionWith(engine, CONTEXT, 'bits beside');
  const rowsOf = async (count: number, beside: boolean): Promise<Float32Array[]> => {
    const row = chainRow(slot, tokens.slice(0, count));
    await engine.step(beside ? [row, chainRow(other, tokens)] : [row]);
    return upTo(ROWS).map((i) => row.logits.slice(i * vocabSize, (i + 1) * vocabSize));
  };
  const expected = await rowsOf(ROWS, false);
  const found = { longer: await rowsOf(LONGER_ROWS, false), company: await rowsOf(ROWS, true) };
  const single: Float32Array[] = [];
  for (const token of tokens.slice(0, ROWS)) single.push(await feed(engine, slot, [token]));
  engine.release(slot);
  engine.release(other);
  const equal = (rows: readonly Float32Array[]) =>
    rows.filter((row, i) => row.every((logit, id) => Object.is(logit, expected[i]![id]))).length;
  return {
    rows: ROWS,
    inBucket: equal(found.longer),
    inCompany: equal(found.company),
    alone: equal(single),
  };
}
