/** What a corpus' next segment is made of. */

import type { DocumentSize, DocumentTexts } from '../../store/corpus-texts.ts';
import { type CorpusLimits, SEGMENT_BYTES_A_TOKEN } from './corpus-limits.ts';
import type { CorpusSegments, HeldSegment } from './corpus-segments.ts';

/** Of the documents, those that the next segment takes, and those for which the shard has no room. */
export function nextSegment(
  sizes: readonly DocumentSize[],
  room: number,
  { segmentTokens }: CorpusLimits,
): { fitting: DocumentSize[]; beyond: number[] } {
  const fitting: DocumentSize[] = [];
  const beyond: number[] = [];
  let [tokens, total] = [0, 0];
  for (const { id, tokens: size } of sizes) {
    const taken = Math.min(size, segmentTokens);
    if (total + taken > room) {
      beyond.push(id);
      continue;
    }
    total += taken;
    if (tokens > 0 && tokens + taken > segmentTokens) continue;
    tokens += taken;
    fitting.push({ id, tokens: taken });
  }
  return { fitting, beyond };
}

/** Tokens for which a shard has room, in tokens and in bytes; new ones are taken to need what those here do. */
export function roomBeside(
  { tokens, bytes }: CorpusSegments,
  { shardTokens, shardBytes }: CorpusLimits,
): number {
  const bytesPerToken = Math.max(SEGMENT_BYTES_A_TOKEN, bytes / Math.max(1, tokens));
  return Math.min(shardTokens - tokens, (shardBytes - bytes) / bytesPerToken);
}

/** Segments that are joined with `tokens` of new text: those that are not much longer, the shortest first. */
export function segmentsToMerge(
  corpus: CorpusSegments,
  tokens: number,
  replaced: readonly HeldSegment[],
  { segmentTokens }: CorpusLimits,
): HeldSegment[] {
  let total = tokens;
  const merged: HeldSegment[] = [];
  for (const held of corpus.byLength()) {
    if (replaced.includes(held)) continue;
    const { length } = held.segment.text;
    if (length >= 2 * total || length + total > segmentTokens) break;
    merged.push(held);
    total += length;
  }
  return merged;
}

/** As many of the passages as fit a segment; one at least. */
export function within(passages: readonly Int32Array[], most: number): Int32Array[] {
  let room = most;
  const fitting = passages.findIndex(({ length }) => {
    room -= length + 1;
    return room < 0;
  });
  return fitting < 0 ? [...passages] : passages.slice(0, Math.max(1, fitting));
}

/** Separators included. */
export function tokensIn(documents: readonly DocumentTexts[]): number {
  return documents.reduce(
    (sum, { passages }) => passages.reduce((all, { length }) => all + length + 1, sum),
    0,
  );
}
