/**
 * L, the session's own text: prompt, passages and the answer so far, which
 * mostly holds a grounded answer's next tokens already. Lives as long as its
 * turn.
 */

import { SuffixAutomaton } from '../automaton/suffix-automaton.ts';
import type { Region } from '../drafter.ts';
import { Source } from '../source.ts';
import { AutomatonStore } from './automaton-store.ts';

/** Longest context that is matched, in tokens. */
export const MAX_CONTEXT = 15;
/** The most tokens a session learns, about 10 MB; beyond it, it drafts from what it has. */
export const MAX_SESSION_TOKENS = 1 << 17;

/** Most frequent tokens told where they followed nothing that is there: with 16 or 32, up to 0.4 % fewer tokens a step. */
const COMMON_TOKENS = 24;

export class SessionStore extends AutomatonStore {
  constructor() {
    super(new SuffixAutomaton(MAX_CONTEXT), COMMON_TOKENS);
  }

  begin(prompt: Int32Array, regions: readonly Region[]): void {
    this.reset();
    let at = Math.max(0, prompt.length - MAX_SESSION_TOKENS);
    for (const { start, end, source } of [...regions].sort((a, b) => a.start - b.start)) {
      if (!(start >= 0 && start <= end && end <= prompt.length)) {
        throw new RangeError(
          `region [${start}, ${end}) is not inside the prompt's ${prompt.length}`,
        );
      }
      if (source === Source.prompt || end <= at) continue;
      const from = Math.max(at, start);
      this.learn(prompt.subarray(at, from), Source.prompt);
      this.endRun();
      this.learn(prompt.subarray(from, end), source);
      this.endRun();
      at = end;
    }
    this.learn(prompt.subarray(at), Source.prompt);
    this.rewind();
  }

  advance(token: number): void {
    this.match(token);
    if (this.automaton.tokens === MAX_SESSION_TOKENS) return;
    this.append(token, Source.output);
    this.rewind();
  }

  private rewind(): void {
    this.states[0] = this.automaton.tail;
    this.lengths[0] = this.automaton.tailLength;
  }

  private learn(run: Int32Array, source: Source): void {
    const room = MAX_SESSION_TOKENS - this.automaton.tokens;
    const length = Math.min(run.length, room);
    for (let i = 0; i < length; i++) this.append(run[i]!, source);
  }
}
