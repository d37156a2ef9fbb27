/**
 * T's young part: outputs that are in no segment yet, in an automaton that grows
 * with each. Rebuilt when outputs leave it, which takes milliseconds at its size.
 */
import { AutomatonCursor } from '../../draft/automaton/automaton-cursor.ts';
import { SuffixAutomaton } from '../../draft/automaton/suffix-automaton.ts';
import { lowerBound } from '../../draft/sorted.ts';
import { OUTPUT_START } from '../../draft/stores/output-start.ts';
import { MAX_CONTEXT } from '../../draft/stores/session-store.ts';
import { type IsHeld, MAX_RUNS, type Match, MIN_MATCH } from './match.ts';

export class RecentOutputs {
  private readonly automaton = new SuffixAutomaton(MAX_CONTEXT);
  private readonly ids: number[] = [];
  /** Offset of each output's first token in all that was appended. */
  private readonly starts: number[] = [];

  /** Tokens of outputs, and one before each. */
  get tokens(): number {
    return this.automaton.tokens;
  }

  /** Their ids, in the order in which they were added. */
  get outputs(): readonly number[] {
    return this.ids;
  }

  clear(): void {
    this.automaton.clear();
    this.ids.length = this.starts.length = 0;
  }

  add(id: number, output: Int32Array): void {
    this.automaton.endRun();
    this.automaton.append(OUTPUT_START);
    this.ids.push(id);
    this.starts.push(this.automaton.tokens);
    for (let i = 0; i < output.length; i++) this.automaton.append(output[i]!);
    this.automaton.endRun();
  }

  /** As `matchSegment`; of equal continuations the latest. */
  match(tail: Int32Array, isHeld: IsHeld): Match[] {
    const { automaton } = this;
    const cursor = new AutomatonCursor(automaton);
    for (const token of tail) cursor.advance(token);
    let { state, length } = cursor;
    const found: Match[] = [];
    while (length >= MIN_MATCH && found.length < MAX_RUNS) {
      for (const match of this.continuations(state, length)) {
        if (found.length === MAX_RUNS) break;
        if (isHeld(match.unit, match.at)) continue;
        if (!found.some(({ unit }) => unit === match.unit)) found.push(match);
      }
      state = automaton.link[state]!;
      length = automaton.length[state]!;
    }
    return found;
  }

  /** Throws unless every output begins where the one before it ends. For tests. */
  checkIntegrity(): void {
    this.automaton.checkIntegrity();
    if (this.starts.length !== this.ids.length) throw new Error('starts and outputs differ');
    this.starts.forEach((start, i) => {
      if (!(start > (this.starts[i - 1] ?? 0) && start <= this.tokens)) {
        throw new Error(`output ${this.ids[i]} begins at ${start}`);
      }
    });
  }

  private continuations(state: number, length: number): Match[] {
    const { automaton, ids, starts } = this;
    const matches: Match[] = [];
    for (let edge = automaton.firstEdge[state]!; edge >= 0; edge = automaton.nextEdge[edge]!) {
      const target = automaton.edgeTarget[edge]!;
      const position = automaton.lastEnd[target]!;
      const output = lowerBound(starts, position + 1) - 1;
      const at = position - starts[output]!;
      matches.push({ length, count: automaton.count[target]!, unit: ids[output]!, at });
    }
    return matches.sort((a, b) => b.count - a.count);
  }
}
