/** How candidates are accepted, by the names that `open` and requests call the rules. */

/** They keep the target's distribution: the default its very draw, the others for drafts that are sampled. */
export const SAMPLED_ACCEPT = ['recursive', 'k-seq', 'without-replacement', 'greedy'] as const;
/** They don't: what they commit may be another token than the target's. */
export const LOSSY_ACCEPT = ['typical', 'relaxed', 'judge'] as const;
export const ACCEPT_RULES = ['match', ...SAMPLED_ACCEPT, ...LOSSY_ACCEPT] as const;

export type SampledAcceptName = (typeof SAMPLED_ACCEPT)[number];
export type LossyAcceptName = (typeof LOSSY_ACCEPT)[number];
export type AcceptRuleName = (typeof ACCEPT_RULES)[number];

export function isLossy(rule: AcceptRuleName): rule is LossyAcceptName {
  return LOSSY_ACCEPT.some((name) => name === rule);
}
