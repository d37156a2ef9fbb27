/** Segments built inside an object that has others to answer. */
import type { SegmentBuilder } from '../../draft/segment/segment-builder.ts';
import { pause } from '../../pause.ts';
import { SLICE_WORK } from './corpus-limits.ts';

export async function buildInSlices(builder: SegmentBuilder): Promise<ArrayBuffer> {
  while (!builder.step(SLICE_WORK)) await pause();
  return builder.finish();
}
