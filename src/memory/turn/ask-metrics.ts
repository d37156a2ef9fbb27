/** What a turn asked of a store that lives elsewhere, as the metrics count it. */
import type { Observation } from '../../meter/metric-names.ts';

export interface Asks {
  asked: number;
  failed: number;
  /** Of each question that was answered, how long that took. */
  seconds: readonly number[];
  /** Tokens that came. */
  tokens: number;
}

export function observationsOf(
  store: string,
  { asked, failed, seconds, tokens }: Asks,
): Observation[] {
  const found: Observation[] = [];
  const outcomes = { answered: seconds.length, failed, late: asked - failed - seconds.length };
  for (const [outcome, value] of Object.entries(outcomes)) {
    const labels = { store, outcome };
    if (value > 0) found.push({ name: 'espalier_draft_memory_asks_total', labels, value });
  }
  for (const value of seconds) {
    found.push({ name: 'espalier_draft_memory_seconds', labels: { store }, value });
  }
  if (tokens > 0) {
    found.push({ name: 'espalier_draft_memory_tokens_total', labels: { store }, value: tokens });
  }
  return found;
}
