/** The target's last hidden states behind the end of a turn's text, for a network that reads them. */

/**
 * States that are kept of the prompt's end, and of the answer's. What a network reads of
 * the text before them has none: it has learned to do without (`models/recipe/feature.py`
 * hides some).
 */
const KEPT = 64;

export class TargetStates {
  /** Tokens at the prompt's end whose states are of use. */
  readonly wanted = KEPT;
  /** Prompt and answer, of which `length` tokens are committed. */
  private readonly text: Int32Array;
  private length = 0;
  private promptLength = 0;
  private readonly others: readonly TargetStates[];
  private readonly states = new Map<number, Float32Array>();

  /**
   * @param text prompt and answer, which the turn writes
   * @param others turns whose states this one may take over; it may be among them
   */
  constructor(text: Int32Array, others: readonly TargetStates[]) {
    this.text = text;
    this.others = others;
  }

  /** Forgets all; the text is now a prompt of `length` tokens. */
  begin(length: number): void {
    this.states.clear();
    this.length = this.promptLength = length;
  }

  /** The text has `length` tokens now. */
  grow(length: number): void {
    this.length = length;
  }

  /** @param state behind the token at `position`, a view that is copied; positions come in order */
  take(position: number, state: Float32Array): void {
    this.states.set(position, state.slice());
    const far = position - KEPT;
    if (far >= this.promptLength) this.states.delete(far);
  }

  /**
   * Takes over what others have of the prompt's end behind the same tokens: the engine
   * gave none of what it found in its cache. O(others · the beginnings that agree).
   */
  recall(): void {
    // The last token's comes with the first step.
    const end = this.promptLength - 1;
    const first = Math.max(0, end - this.wanted);
    for (const other of this.others) {
      if (this.hasAll(first, end)) return;
      if (other === this) continue;
      const common = Math.min(end, this.commonWith(other));
      for (let position = first; position < common; position++) {
        const state = other.states.get(position);
        if (state && !this.states.has(position)) this.states.set(position, state);
      }
    }
  }

  /** The state behind the token before each of `count` tokens, the first of them at `position`. */
  before(position: number, count: number): (Float32Array | null)[] {
    return Array.from({ length: count }, (_, i) => this.states.get(position + i - 1) ?? null);
  }

  private hasAll(first: number, end: number): boolean {
    for (let position = first; position < end; position++) {
      if (!this.states.has(position)) return false;
    }
    return true;
  }

  /** Tokens at the beginning that are the same. */
  private commonWith({ text, length }: TargetStates): number {
    const end = Math.min(length, this.length);
    let common = 0;
    while (common < end && text[common] === this.text[common]) common++;
    return common;
  }
}
