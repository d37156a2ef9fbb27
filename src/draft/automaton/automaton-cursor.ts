/** A place in an automaton: the longest suffix of some text that it knows. */
import { ROOT_STATE, type SuffixAutomaton } from './suffix-automaton.ts';

export class AutomatonCursor {
  state = ROOT_STATE;
  /** Tokens of that suffix, at most the automaton's `depth`. */
  length = 0;
  private readonly automaton: SuffixAutomaton;

  constructor(automaton: SuffixAutomaton) {
    this.automaton = automaton;
  }

  reset(): void {
    this.state = ROOT_STATE;
    this.length = 0;
  }

  /** Goes on with the text. Amortised O(1): what links shorten, earlier tokens have added. */
  advance(token: number): void {
    const { automaton } = this;
    let { length } = this;
    let state = automaton.shorten(this.state, length);
    let next = automaton.next(state, token);
    while (next < 0 && state !== ROOT_STATE) {
      state = automaton.link[state]!;
      length = automaton.length[state]!;
      next = automaton.next(state, token);
    }
    this.length = next < 0 ? 0 : Math.min(length + 1, automaton.depth);
    this.state = next < 0 ? ROOT_STATE : automaton.shorten(next, this.length);
  }
}
