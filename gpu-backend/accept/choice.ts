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
  | { name: 'match' | 'typical' | SampledAcceptName }
  | { name: 'relaxed'; neighbours: Neighbours }
  | { name: 'judge'; head: JudgeHead };

/** null where the model lacks what the rule needs. */
export function chooseAccept(
  name: AcceptRuleName,
  { neighbours, judge }: AcceptAids,
): AcceptChoice | null {
  if (name === 'relaxed') return neighbours ? { name, neighbours } : null;
  if (name === 'judge') return judge ? { name, head: judge } : null;
  return { name };
}

/** The lossy rules that a model with these aids can be asked for. */
export function lossyRulesOf(aids: AcceptAids): LossyAcceptName[] {
  return (['typical', 'relaxed', 'judge'] as const).filter((name) => chooseAccept(name, aids));
}
