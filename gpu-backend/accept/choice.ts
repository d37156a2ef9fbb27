/** The accept rule of a turn, with what it needs beside the model. */
import type {
  AcceptRuleName,
  LossyAcceptName,
  SampledAcceptName,
} from '../../src/link/protocol/index.ts';
import type { JudgeHead } from './lossy/judge.ts';
import type { Neighbours } from './lossy/relaxed.ts';

/** Files of a model folder that some rules need. */
export interface AcceptAids {
  neighbours?: Neighbours | undefined;
  judge?: JudgeHead | undefined;
}

export type AcceptChoice =
  | { rule: 'match' | 'typical' | SampledAcceptName }
  | { rule: 'relaxed'; neighbours: Neighbours }
  | { rule: 'judge'; head: JudgeHead };

/** null where the model lacks what the rule needs. */
export function chooseAccept(
  rule: AcceptRuleName,
  { neighbours, judge }: AcceptAids,
): AcceptChoice | null {
  if (rule === 'relaxed') return neighbours ? { rule, neighbours } : null;
  if (rule === 'judge') return judge ? { rule, head: judge } : null;
  return { rule };
}

/** The lossy rules that a model with these aids can be asked for. */
export function lossyRulesOf(aids: AcceptAids): LossyAcceptName[] {
  return (['typical', 'relaxed', 'judge'] as const).filter((rule) => chooseAccept(rule, aids));
}
