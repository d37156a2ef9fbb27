/**
 * A store that lives elsewhere, as one turn asks it: one question in flight at a
 * time, answers used whenever they come, failures counted and never felt.
 */

import type { Source } from '../../draft/source.ts';
import type { SpanRun } from '../../draft/span-store.ts';
import type { Observation } from '../../store/metric-names.ts';
import { type KeptRun, MIN_MATCH } from './match.ts';

/** Questions that one turn asks one store. */
export const MAX_ASKS = 24;
/** Texts that one turn fetches of one store: what it names as known in every question. */
export const MAX_FETCHED = 128;

export class AskedStore {
  private readonly source: Source;
  private readonly label: string;
  private readonly proceed: (tail: Int32Array, skip: readonly number[]) => Promise<KeptRun[]>;
  private readonly arrived: (runs: readonly SpanRun[]) => void;
  private readonly known = new Set<number>();
  private readonly seconds: number[] = [];
  private asked = 0;
  private failed = 0;
  private tokens = 0;
  private inFlight = false;

  /** @param proceed asks where the end of an answer occurs, but for texts known already */
  constructor(
    source: Source,
    label: string,
    proceed: (tail: Int32Array, skip: readonly number[]) => Promise<KeptRun[]>,
    arrived: (runs: readonly SpanRun[]) => void,
  ) {
    this.source = source;
    this.label = label;
    this.proceed = proceed;
    this.arrived = arrived;
  }

  /** The answer goes on: asks, unless something is in the way. `tail` is read when it does. */
  follow(tail: () => Int32Array): void {
    if (this.inFlight || this.known.size >= MAX_FETCHED) return;
    const end = tail();
    if (end.length < MIN_MATCH) return;
    this.ask(async () => this.proceed(end, [...this.known]));
  }

  /** Asks another question of the same store. One that fails is the last: it is down, or we are wrong. */
  ask(question: () => Promise<KeptRun[]>): void {
    if (this.failed > 0 || this.asked === MAX_ASKS) return;
    this.asked++;
    this.inFlight = true;
    const started = Date.now();
    question()
      .then((runs) => {
        this.inFlight = false;
        this.seconds.push((Date.now() - started) / 1000);
        this.take(runs);
      })
      .catch((error: unknown) => {
        this.inFlight = false;
        this.failed++;
        const event = { event: 'draft_memory_failed', store: this.label, error: String(error) };
        console.error(JSON.stringify(event));
      });
  }

  /** What the turn asked, for the metrics. */
  observations(): Observation[] {
    const { label: store, asked, failed, seconds, tokens } = this;
    const outcomes = { answered: seconds.length, failed, late: asked - failed - seconds.length };
    const counts = Object.entries(outcomes).filter(([, value]) => value > 0);
    return [
      ...counts.map(
        ([outcome, value]): Observation => ({
          name: 'espalier_draft_memory_asks_total',
          labels: { store, outcome },
          value,
        }),
      ),
      ...seconds.map(
        (value): Observation => ({
          name: 'espalier_draft_memory_seconds',
          labels: { store },
          value,
        }),
      ),
      ...(tokens > 0
        ? [
            {
              name: 'espalier_draft_memory_tokens_total' as const,
              labels: { store },
              value: tokens,
            },
          ]
        : []),
    ];
  }

  private take(runs: readonly KeptRun[]): void {
    const fresh = runs.filter(({ unit, tokens }) => tokens.length > 0 && !this.known.has(unit));
    if (fresh.length === 0) return;
    for (const { unit, tokens } of fresh) {
      this.known.add(unit);
      this.tokens += tokens.length;
    }
    const { source } = this;
    this.arrived(fresh.map(({ begins, tokens }) => ({ source, begins, tokens })));
  }
}
