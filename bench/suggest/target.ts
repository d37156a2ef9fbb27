/** What the target says of a draft: how likely it finds it, and how it goes on itself. */
import type { Engine, Slot } from '../../gpu-backend/engine/engine.ts';
import { argmax, chainRow, treeRow, upTo } from '../../test/engine/driver.ts';

const CHUNK = 64;

export interface Judged {
  /** Sum of the drafts' log-probabilities under the target, and their tokens. */
  logProb: number;
  tokens: number;
  /** Most leading tokens of a draft that the target would have written too. */
  agreed: number;
}

export class Target {
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Its own answer behind `text`, greedily, up to a token that ends one. */
  async write(text: Int32Array, length: number, endIds: readonly number[]): Promise<number[]> {
    const slot = await this.read(text, length);
    const said: number[] = [];
    let last = text.at(-1)!;
    while (said.length < length && !endIds.includes(last)) {
      const row = chainRow(slot, [last]);
      await this.engine.step([row]);
      last = argmax(row.logits);
      said.push(last);
      this.engine.commit(slot, [0], 1);
    }
    this.engine.release(slot);
    return said;
  }

  /** All drafts at once, as branches of a tree. */
  async judge(
    text: Int32Array,
    drafts: readonly (readonly number[])[],
    own: readonly number[],
  ): Promise<Judged> {
    const slot = await this.read(text, 1 + drafts.flat().length);
    const tokens = [text.at(-1)!];
    const parents = [-1];
    for (const draft of drafts) {
      draft.forEach((token, i) => {
        parents.push(i === 0 ? 0 : tokens.length - 1);
        tokens.push(token);
      });
    }
    const row = treeRow(slot, tokens, parents);
    await this.engine.step([row]);
    const { vocabSize } = this.engine.limits;
    let logProb = 0;
    for (let at = 1; at < tokens.length; at++) {
      const from = parents[at]! * vocabSize;
      logProb += logSoftmax(row.logits.subarray(from, from + vocabSize), tokens[at]!);
    }
    this.engine.release(slot);
    const agreed = Math.max(0, ...drafts.map((draft) => commonPrefix(draft, own)));
    return { logProb, tokens: tokens.length - 1, agreed };
  }

  /** A slot that has read all but the last token. */
  private async read(text: Int32Array, more: number): Promise<Slot> {
    const slot = this.engine.acquire(text, text.length + more, 'bench');
    if (!slot) throw new Error('the target has no slot');
    for (let at = slot.length; at < text.length - 1; ) {
      const chunk = text.subarray(at, Math.min(at + CHUNK, text.length - 1));
      await this.engine.step([chainRow(slot, chunk, chunk.length)]);
      this.engine.commit(slot, upTo(chunk.length), chunk.length);
      at += chunk.length;
    }
    return slot;
  }
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length++;
  return length;
}

function logSoftmax(logits: Float32Array, token: number): number {
  const best = logits[argmax(logits)]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - best);
  return logits[token]! - best - Math.log(sum);
}
