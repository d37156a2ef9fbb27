/** The last tokens before each place of a growing tree. Slots are numbered as those of an `EvidenceStore`; O(1) a token. */
import { MAX_TREE_NODES } from '../tree/tree.ts';
import { type Evidence, NO_TOKEN, RECENT_TOKENS } from './evidence.ts';

export class RecentTokens {
  /** By slot, latest first. */
  private readonly tokens = new Int32Array(RECENT_TOKENS * (MAX_TREE_NODES + 1));

  begin(prompt: ArrayLike<number>): void {
    const { length } = prompt;
    for (let i = 0; i < RECENT_TOKENS; i++) {
      this.tokens[i] = i < length ? prompt[length - 1 - i]! : NO_TOKEN;
    }
  }

  /** Makes `slot`, which may be `from`, the place after `token` from slot `from`. */
  follow(from: number, token: number, slot: number): void {
    const { tokens } = this;
    const to = RECENT_TOKENS * slot;
    tokens.copyWithin(to + 1, RECENT_TOKENS * from, RECENT_TOKENS * (from + 1) - 1);
    tokens[to] = token;
  }

  write(slot: number, evidence: Evidence): void {
    const at = RECENT_TOKENS * slot;
    for (let i = 0; i < RECENT_TOKENS; i++) evidence.recent[i] = this.tokens[at + i]!;
  }
}
