/** A turn's prompt and answer, and what of them a network beside the engine reads. */
import type { SeatedTurn } from './local-drafters.ts';
import type { Network } from './network.ts';
import { shortContext } from './short-context.ts';

export class TurnText {
  readonly tokens: Int32Array;
  length = 0;
  private readonly turn: SeatedTurn;

  constructor(turn: SeatedTurn) {
    this.turn = turn;
    this.tokens = new Int32Array(turn.prompt.length + turn.maxTokens + 1);
  }

  begin(prompt: Int32Array): void {
    this.tokens.set(prompt);
    this.length = prompt.length;
  }

  write(tokens: Int32Array): void {
    this.tokens.set(tokens, this.length);
    this.length += tokens.length;
  }

  /** Tokens of the answer that are still to come, at most. */
  get left(): number {
    return this.turn.prompt.length + this.turn.maxTokens - this.length;
  }

  /**
   * What a network reads of it that has rows for nodes besides.
   * @param all whether it reads what the target does, as far as it can
   */
  contextFor(
    { usefulContext, mostContext }: Pick<Network, 'usefulContext' | 'mostContext'>,
    nodeRows: number,
    all: boolean,
  ): Int32Array {
    const { length, left, tokens } = this;
    const room = mostContext - nodeRows;
    // Half is left for the answer, where that is long.
    const most = Math.max(0, room - left, room >> 1);
    if (all || length <= usefulContext) {
      return shortContext(tokens.subarray(0, length), this.turn, most);
    }
    return tokens.slice(length - Math.min(most, usefulContext), length);
  }
}
