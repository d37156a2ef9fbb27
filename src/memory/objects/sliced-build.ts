/** Segments built inside an object that has others to answer. */
import type { SegmentBuilder } from '../../draft/segment/segment-builder.ts';
import { SLICE_WORK } from './corpus-limits.ts';

/** Between slices: long enough for the loop to idle, so that others' answers are sent. */
const PAUSE_MS = 1;

export async function buildInSlices(builder: SegmentBuilder): Promise<ArrayBuffer> {
  while (!builder.step(SLICE_WORK)) await scheduler.wait(PAUSE_MS);
  return builder.finish();
}
