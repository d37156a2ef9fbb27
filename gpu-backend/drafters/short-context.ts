/**
 * What a network beside the engine reads of a session's text (RAPID, 2502.20330): the
 * passages that were retrieved and the conversation's end, while the target reads all.
 */
import type { TokenRange } from '../../src/draft/drafter.ts';
import { Source } from '../../src/draft/source.ts';
import type { SeatedTurn } from './local-drafters.ts';

/** Tokens at the text's beginning that stay: the instruction. */
const HEAD = 32;
/** Least share of the whole that its end gets. */
const TAIL_SHARE = 0.5;

/**
 * `text` itself where it has no more than `most` tokens; else its beginning, the
 * passages in order as far as there is room, and its end. Of documents that are in
 * it whole the excerpts take the passages' place. Ranges are of the prompt that
 * `text` begins with.
 */
export function shortContext(
  text: Int32Array,
  { regions, excerpts }: Pick<SeatedTurn, 'regions' | 'excerpts'>,
  most: number,
): Int32Array {
  if (text.length <= most) return text;
  const passages: readonly TokenRange[] = regions.filter(({ source }) => source === Source.passage);
  const read = excerpts.length > 0 ? excerpts : passages;
  const head = Math.min(HEAD, passages[0]?.start ?? 0);
  const last = passages.reduce((end, passage) => Math.max(end, passage.end), 0);
  const wanted = read.reduce((sum, { start, end }) => sum + end - start, head);
  // What the passages leave goes to the end as well.
  const share = Math.max(Math.floor(most * TAIL_SHARE), most - wanted);
  const tail = Math.min(text.length - last, share);
  const kept: Int32Array[] = [];
  let room = most - tail;
  const keep = (start: number, end: number) => {
    const run = text.subarray(start, Math.min(end, start + room));
    kept.push(run);
    room -= run.length;
  };
  keep(0, head);
  for (const { start, end } of read) keep(start, end);
  kept.push(text.subarray(text.length - tail));
  return Int32Array.from(kept.flatMap((run) => [...run]));
}
