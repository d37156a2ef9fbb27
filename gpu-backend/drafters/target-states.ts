/** The target's last hidden states behind the end of a turn's text, for a network that reads them. */

/**
 * States that are kept. What a network reads of the text before them has none: it has
 * learned to do without (`models/recipe/feature.py` hides some).
 */
const KEPT = 64;

export class TargetStates {
  /** Tokens at the prompt's end whose states are of use. */
  readonly wanted = KEPT;
  private readonly states = new Map<number, Float32Array>();

  /** @param state behind the token at `position`, a view that is copied; positions come in order */
  take(position: number, state: Float32Array): void {
    this.states.set(position, state.slice());
    this.states.delete(position - KEPT);
  }

  /** The state behind the token before each of `count` tokens, the first of them at `position`. */
  before(position: number, count: number): (Float32Array | null)[] {
    return Array.from({ length: count }, (_, i) => this.states.get(position + i - 1) ?? null);
  }

  clear(): void {
    this.states.clear();
  }
}
