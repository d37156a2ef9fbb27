/**
 * A store that lives elsewhere, as one turn asks it: one question in flight at a
 * time, answers used whenever they come, failures counted and never felt.
 */

import type { Source } from '../../draft/source.ts';
import type { Span } from '../../draft/stores/span-store.ts';
import type { Observation } from '../../meter/metric-names.ts';
import { loggable } from '../../store/loggable.ts';
import type { KeptRange, KeptRun } from '../../store/objects/memory.ts';
import { heldIn, MIN_MATCH, rangeOfRun } from '../objects/match.ts';
import { observationsOf } from './ask-metrics.ts';

/** Questions that one turn asks one store. */
export const MAX_ASKS = 96;
/** Runs that one turn fetches of one store: what it names as held in every question. */
export const MAX_FETCHED = 384;

/** Asks where the end of an answer occurs in texts, but for what is held of them. */
type Proceed = (tail: Int32Array, held: readonly KeptRange[]) => Promise<KeptRun[]>;

export class AskedStore {
  private readonly source: Source;
  private readonly label: string;
  private readonly proceed: Proceed;
  private readonly arrived: (runs: readonly Span[]) => void;
  private readonly held: KeptRange[] = [];
  private readonly seconds: number[] = [];
  private asked = 0;
  private failed = 0;
  private tokens = 0;
  private inFlight = false;

  constructor(
    source: Source,
    label: string,
    proceed: Proceed,
    arrived: (runs: readonly Span[]) => void,
  ) {
    this.source = source;
    this.label = label;
    this.proceed = proceed;
    this.arrived = arrived;
  }

  /** The answer continues: asks, unless something is in the way. `tail` is read when it does. */
  follow(tail: () => Int32Array): void {
    if (this.inFlight || this.held.length >= MAX_FETCHED) return;
    const end = tail();
    if (end.length < MIN_MATCH) return;
    this.ask(async () => this.proceed(end, [...this.held]));
  }

  /** Asks another question of the same store. One that fails is the last: it is down, or we are wrong. */
  ask(question: () => Promise<KeptRun[]>): void {
    if (this.failed > 0 || this.asked === MAX_ASKS) return;
    this.asked++;
    this.inFlight = true;
    const started = Date.now();
    question()
      .finally(() => {
        this.inFlight = false;
      })
      .then(
        (runs) => {
          this.seconds.push((Date.now() - started) / 1000);
          this.take(runs);
        },
        (error: unknown) => {
          this.failed++;
          this.log('draft_memory_failed', error);
        },
      )
      // What was answered could not be used, which is no fault of the store's.
      .catch((error: unknown) => this.log('draft_memory_unused', error));
  }

  /** What the turn asked, for the metrics. */
  observations(): Observation[] {
    const { asked, failed, seconds, tokens } = this;
    return observationsOf(this.label, { asked, failed, seconds, tokens });
  }

  private log(event: string, error: unknown): void {
    console.error(JSON.stringify({ event, store: this.label, error: loggable(error) }));
  }

  private take(runs: readonly KeptRun[]): void {
    const isHeld = heldIn(this.held);
    const fresh = runs.filter(
      ({ unit, from, tokens }) => tokens.length > 0 && !isHeld(unit, from + tokens.length - 1),
    );
    if (fresh.length === 0) return;
    for (const run of fresh) {
      this.held.push(rangeOfRun(run));
      this.tokens += run.tokens.length;
    }
    const { source } = this;
    this.arrived(fresh.map(({ from, tokens }) => ({ source, begins: from === 0, tokens })));
  }
}
