/** The rules for sampled drafts by the names that requests call them, each with the way of drawing that it is for. */
import type { SampledAcceptName } from '../../../src/link/protocol/index.ts';
import { type Drawing, drawDistinct, drawIndependent, drawTopThenOne } from './drawing.ts';
import { greedyDraft } from './greedy-draft.ts';
import { kSeq } from './k-seq.ts';
import { recursiveRejection } from './recursive-rejection.ts';
import type { AcceptLaw } from './trial.ts';
import { withoutReplacement } from './without-replacement.ts';

export interface SampledRule {
  readonly law: AcceptLaw;
  readonly draw: Drawing;
}

export const SAMPLED_RULES = {
  recursive: { law: recursiveRejection, draw: drawIndependent },
  'k-seq': { law: kSeq, draw: drawIndependent },
  'without-replacement': { law: withoutReplacement, draw: drawDistinct },
  greedy: { law: greedyDraft, draw: drawTopThenOne },
} as const satisfies Record<SampledAcceptName, SampledRule>;
