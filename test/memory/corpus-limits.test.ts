/** What a shard of a store takes of its object's memory. */
import { expect, test } from 'vitest';
import { SegmentBuilder } from '../../src/draft/segment/segment-builder.ts';
import {
  CORPUS_LIMITS,
  MAX_OBJECT_BYTES,
  SEGMENT_BYTES_A_TOKEN,
  SLICE_WORK,
} from '../../src/memory/objects/corpus-limits.ts';

test('a full shard and a build beside it stay below the limit of an object', () => {
  const { shardBytes, segmentTokens } = CORPUS_LIMITS;
  // Ids of a large vocabulary, in three bytes, the rare ones rarer: passages of 190 tokens.
  let state = 7;
  const token = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor(150_000 * (state / 2 ** 32) ** 3);
  };
  const { arrayBuffers: before } = process.memoryUsage();
  const taken = () => process.memoryUsage().arrayBuffers - before;
  // As read from D1.
  const builder = new SegmentBuilder(
    Array.from({ length: segmentTokens / 191 }, () => Int32Array.from({ length: 190 }, token)),
  );
  let most = 0;
  while (!builder.step(SLICE_WORK)) most = Math.max(most, taken());
  const { byteLength } = builder.finish();
  most = Math.max(most, taken());
  expect(byteLength / segmentTokens).toBeLessThan(SEGMENT_BYTES_A_TOKEN);
  expect(most).toBeGreaterThan(2 * byteLength);
  expect(shardBytes + most).toBeLessThan(MAX_OBJECT_BYTES);
});
