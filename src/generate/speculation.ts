/** What drafting did for an answer; `usage.speculation` on request. */
import { SOURCE_NAMES, Source, type SourceName } from '../draft/source.ts';
import type { Accept } from '../link/protocol/index.ts';

export interface SpeculationUsage {
  /** Verify steps: forward passes of the target after prefill. */
  steps: number;
  /** Candidate tokens verified. */
  drafted: number;
  /** Of them, tokens accepted. */
  accepted: number;
  /** Tokens committed per step, the target's own included (MAT). */
  mean_accepted: number;
  /** Tokens committed by where they were accepted from, the one that ends the answer included. */
  by_source: Partial<Record<SourceName, number>>;
}

export class Speculation {
  /** Tokens of the answer. */
  tokens = 0;
  private steps = 0;
  private committed = 0;
  private drafted = 0;
  private readonly counts = new Uint32Array(SOURCE_NAMES.length);
  /** Steps that accepted a candidate at each position after the root: falls with the position. */
  readonly acceptedAt: number[] = [];

  /** What several answers did. */
  static together(parts: readonly Speculation[]): Speculation {
    const whole = new Speculation();
    for (const { tokens, steps, committed, drafted, counts } of parts) {
      whole.tokens += tokens;
      whole.steps += steps;
      whole.committed += committed;
      whole.drafted += drafted;
      for (let source = 0; source < counts.length; source++) {
        whole.counts[source]! += counts[source]!;
      }
    }
    return whole;
  }

  /** `tokens`: how many of the accepted ones belong to the answer (an end token does not). */
  add(accept: Accept, tokens: number): void {
    this.steps += accept.steps;
    this.tokens += tokens;
    this.committed += accept.tokens.length;
    this.drafted += accept.drafted;
    // Merged steps are told apart by the draw that ends each: no candidate carried it.
    let position = 0;
    for (const source of accept.sources) {
      this.counts[source]!++;
      if (source === Source.target) {
        position = 0;
        continue;
      }
      this.acceptedAt[position] = (this.acceptedAt[position] ?? 0) + 1;
      position++;
    }
  }

  usage(): SpeculationUsage {
    const by_source: SpeculationUsage['by_source'] = {};
    for (const [source, name] of SOURCE_NAMES.entries()) {
      if (this.counts[source]! > 0) by_source[name] = this.counts[source]!;
    }
    return {
      steps: this.steps,
      drafted: this.drafted,
      accepted: this.committed - this.counts[Source.target]!,
      mean_accepted: this.steps === 0 ? 0 : this.committed / this.steps,
      by_source,
    };
  }
}
