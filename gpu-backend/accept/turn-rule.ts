/** Makes the accept rule of a turn. */
import type { AcceptRule } from './accept-rule.ts';
import { Draw } from './draw.ts';
import type { DrawSettings } from './draw-settings.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { JudgeAccept } from './lossy/judge.ts';
import type { LossyAccept } from './lossy/lossy-accept.ts';
import { RelaxedAccept } from './lossy/relaxed.ts';
import { TypicalAccept } from './lossy/typical.ts';
import { Probabilities } from './probabilities.ts';
import { SAMPLED_RULES } from './sampled/rules.ts';
import { draftSeed, drawSeed, SampledAccept } from './sampled/sampled-accept.ts';
import { SampledTree } from './sampled/sampled-tree.ts';
import type { Nucleus } from './warp.ts';

export interface TurnRule {
  rule: AcceptRule;
  /** Counts what was not the target's own; null where everything is. */
  lossy: LossyAccept | null;
  /** Draws the drafts that the rule tries; null where they are taken as they are. */
  sampled: SampledTree | null;
}

export interface RuleSetting {
  nucleus: Nucleus;
  vocabSize: number;
  processors: readonly LogitsProcessor[];
  /** The last hidden state at a node of the step's tree. */
  hiddenAt(node: number): Float32Array;
}

export function turnRule(
  { accept, warp, seed, resumed }: DrawSettings,
  { nucleus, vocabSize, processors, hiddenAt }: RuleSetting,
): TurnRule {
  const draw = new Draw(warp, seed, nucleus, processors);
  if (accept.name === 'match') return { rule: draw, lossy: null, sampled: null };
  const lossy = (rule: LossyAccept) => ({ rule, lossy: rule, sampled: null });
  if (accept.name === 'judge') return lossy(new JudgeAccept(draw, accept.head, hiddenAt));
  const probabilities = new Probabilities(warp, nucleus, vocabSize);
  if (accept.name === 'typical') return lossy(new TypicalAccept(draw, probabilities));
  // With noise of its own: the laws of these rules fail where drafters rank by the noise that is drawn with.
  const own = new Draw(warp, drawSeed(seed), nucleus, processors);
  if (accept.name === 'relaxed') {
    return lossy(new RelaxedAccept(own, probabilities, accept.neighbours));
  }
  const { law, draw: drawing } = SAMPLED_RULES[accept.name];
  const sampled = new SampledTree(drawing, draftSeed(seed, resumed));
  const rule = new SampledAccept(law, sampled, own, probabilities, seed);
  return { rule, lossy: null, sampled };
}
