/**
 * One text in two slots: `served` is fed as in service, by chunks and trees and
 * with prefixes taken over, `plain` token by token.
 */
import type { Slot, StepRow } from '../engine.ts';
import type { OrtEngine } from '../ort-engine.ts';
import type { RandomInteger } from './random.ts';

export function stepRowOf(
  slot: Slot,
  tokens: ArrayLike<number>,
  parents: ArrayLike<number>,
): StepRow {
  return {
    slot,
    count: tokens.length,
    tokens: Int32Array.from(tokens),
    parents: Int16Array.from(parents),
    logitsFrom: 0,
    logits: new Float32Array(0),
  };
}

export class Conversation {
  served: Slot;
  /** The longest context that a tree is to follow. */
  readonly longest: number;
  private readonly plain: Slot;
  private readonly engine: OrtEngine;
  private readonly name: string;
  private readonly maxTokens: number;
  private readonly random: RandomInteger;
  private readonly text: number[] = [];

  /** Throws where slots for that are not free. `name`: unlike any other session's namespace. */
  constructor(
    engine: OrtEngine,
    name: string,
    { longest, maxNodes }: { longest: number; maxNodes: number },
    random: RandomInteger,
  ) {
    this.engine = engine;
    this.name = name;
    this.longest = longest;
    this.maxTokens = longest + maxNodes;
    this.random = random;
    this.served = this.acquire([0], name);
    this.plain = this.acquire([0], `${name}, token by token`);
  }

  /** Tokens that both slots hold. */
  get length(): number {
    return this.text.length;
  }

  /** Any tokens of the vocabulary. */
  tokens(count: number): number[] {
    return Array.from({ length: count }, () => this.random(0, this.engine.limits.vocabSize - 1));
  }

  /** Feeds both slots what they lack of a text of at least `length` tokens. */
  async grow(length: number): Promise<void> {
    this.text.push(...this.tokens(Math.max(0, length - this.text.length)));
    const { maxRows } = this.engine.limits;
    const whole = this.random(0, 2) === 0;
    await this.feed(this.served, () => (whole ? maxRows : this.random(1, maxRows)));
    await this.feed(this.plain, () => 1);
  }

  /**
   * Goes on in the slot that the engine gives for a prompt that begins like the text:
   * the same one, or, while that is held, another with the beginning copied.
   */
  reopen(copy: boolean): void {
    const { engine, text, served, name } = this;
    const known = this.random(text.length >> 1, text.length);
    if (!copy) engine.release(served);
    const prompt = Int32Array.of(...text.slice(0, known), 0);
    const slot = engine.acquire(prompt, this.maxTokens, name);
    // Without a free slot there is nothing to copy into.
    if (!slot) return;
    if (copy) engine.release(served);
    this.served = slot;
  }

  /** Every node's logits after its path was fed token by token. O(nodes) steps. */
  async decode(row: StepRow, visit: (node: number, logits: Float32Array) => void): Promise<void> {
    const { engine, plain } = this;
    const below = async (parent: number): Promise<void> => {
      for (let node = parent + 1; node < row.count; node++) {
        if (row.parents[node] !== parent) continue;
        const step = stepRowOf(plain, [row.tokens[node]!], [-1]);
        await engine.step([step]);
        visit(node, step.logits);
        engine.commit(plain, [0], 1);
        await below(node);
        engine.rewind(plain, plain.length - 1);
      }
    };
    await below(-1);
  }

  /** Commits the way to `node` of the served slot's last step, which moves its rows. */
  commit(row: StepRow, node: number): void {
    const path: number[] = [];
    for (let at = node; at >= 0; at = row.parents[at]!) path.unshift(at);
    this.engine.commit(this.served, path, path.length);
    for (const at of path) this.text.push(row.tokens[at]!);
  }

  release(): void {
    this.engine.release(this.served);
    this.engine.release(this.plain);
  }

  private acquire(prompt: readonly number[], namespace: string): Slot {
    const slot = this.engine.acquire(Int32Array.from(prompt), this.maxTokens, namespace);
    if (!slot) throw new Error(`no slot of ${this.maxTokens} tokens is free: allow more memory`);
    return slot;
  }

  private async feed(slot: Slot, piece: () => number): Promise<void> {
    while (slot.length < this.text.length) {
      const count = Math.min(piece(), this.text.length - slot.length);
      const tokens = this.text.slice(slot.length, slot.length + count);
      const chain = tokens.map((_, i) => i);
      const row = stepRowOf(
        slot,
        tokens,
        chain.map((i) => i - 1),
      );
      await this.engine.step([{ ...row, logitsFrom: count }]);
      this.engine.commit(slot, chain, count);
    }
  }
}
