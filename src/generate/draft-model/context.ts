/**
 * What the draft model reads of a prompt (RAPID, 2502.20330): the passages that
 * were retrieved and the conversation's end, a bounded number of tokens, while
 * the target reads everything.
 */
import type { Region } from '../../draft/drafter.ts';
import { Source } from '../../draft/source.ts';

/** Tokens of a prompt that the draft model reads. */
export const MAX_DRAFT_CONTEXT = 1024;
/** Of them, what the prompt begins with: the instruction. */
const HEAD = 32;
/** And at most this much of its end. */
const TAIL = 512;

/** The prompt itself where it is short enough; else its beginning, passages best first, and its end. */
export function draftContext(
  prompt: Int32Array,
  regions: readonly Region[],
  most = MAX_DRAFT_CONTEXT,
): Int32Array {
  if (prompt.length <= most) return prompt;
  const passages = regions.filter(({ source }) => source === Source.passage);
  const last = passages.at(-1);
  if (!last) return prompt.subarray(prompt.length - most);
  const tail = prompt.subarray(Math.max(last.end, prompt.length - Math.min(TAIL, most)));
  const head = prompt.subarray(0, Math.min(HEAD, passages[0]!.start, most - tail.length));
  const kept = [head];
  let room = most - head.length - tail.length;
  for (const { start, end } of passages) {
    const passage = prompt.subarray(start, Math.min(end, start + room));
    kept.push(passage);
    room -= passage.length;
  }
  kept.push(tail);
  return join(kept);
}

function join(runs: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(runs.reduce((sum, run) => sum + run.length, 0));
  let at = 0;
  for (const run of runs) {
    whole.set(run, at);
    at += run.length;
  }
  return whole;
}
