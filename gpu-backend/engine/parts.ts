/** A session's rows in parts, where attention takes few at once. */
import type { AttentionForm } from '../builder/attention-kernel.ts';
import type { StepRow } from './engine.ts';

/**
 * Rows of a session that one run takes. WebGPU's GroupQueryAttention has another kernel from 32
 * rows on, which ONNX Runtime 1.30 computes wrong where a GPU works in groups of eight lanes, as
 * Mesa's software driver does; how a GPU works can't be asked through ONNX Runtime.
 */
export function mostRowsOf(form: AttentionForm): number {
  return form === 'grouped' ? 31 : Number.POSITIVE_INFINITY;
}

/** The rows that `row` feeds, `most` at a time: each part keeps those before it. */
export function partsOf(row: StepRow, most: number): StepRow[] {
  const parts: StepRow[] = [];
  for (let kept = row.kept ?? 0; kept < row.count; kept += most) {
    const count = Math.min(row.count, kept + most);
    const logitsFrom = Math.max(kept, Math.min(count, row.logitsFrom));
    parts.push({ ...row, count, kept, logitsFrom });
  }
  return parts;
}
