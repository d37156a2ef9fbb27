/** The merges of a byte-pair vocabulary, over ids. Pure. */
import type { BPE } from '@huggingface/tokenizers';

/** The rank of a pair that does not merge. */
export const NO_MERGE = -1;

export class Merges {
  /** By rank: the id that the pair merges to. */
  readonly product: Int32Array;
  /** By rank. */
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  /** Ranks by a hash of their pair, with open addressing; a power of two. */
  private readonly slots: Int32Array;
  /** Pairs of symbols between which a merge may join two tokens. */
  private readonly joints = new Set<number>();
  private readonly ids: ReadonlyMap<string, number>;
  private readonly idBound: number;

  /** Merges of, or to, what the vocabulary does not have are left out: text is never lost to them. */
  constructor({ merges, tokens_to_ids }: Pick<BPE, 'merges' | 'tokens_to_ids'>) {
    this.ids = tokens_to_ids;
    this.idBound = 1;
    for (const id of tokens_to_ids.values()) this.idBound = Math.max(this.idBound, id + 1);
    this.product = new Int32Array(merges.length);
    this.left = new Int32Array(merges.length);
    this.right = new Int32Array(merges.length);
    this.slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * merges.length + 2))).fill(NO_MERGE);
    for (const [rank, pair] of merges.entries()) this.add(rank, pair);
  }

  /** The rank of two tokens' merge, or `NO_MERGE`. */
  rankOf(left: number, right: number): number {
    return this.slots[this.slotOf(left, right)]!;
  }

  /** Whether two symbols side by side can ever be in one token. */
  mayJoin(left: number, right: number): boolean {
    return this.joints.has(left * this.idBound + right);
  }

  private add(rank: number, [left, right]: readonly [string, string]): void {
    const leftId = this.ids.get(left);
    const rightId = this.ids.get(right);
    const product = this.ids.get(left + right);
    if (leftId === undefined || rightId === undefined || product === undefined) return;
    this.left[rank] = leftId;
    this.right[rank] = rightId;
    this.product[rank] = product;
    // Of a pair that is there twice the later rank counts, as in the library.
    this.slots[this.slotOf(leftId, rightId)] = rank;
    const last = this.ids.get(lastCharacter(left));
    const first = this.ids.get(String.fromCodePoint(right.codePointAt(0)!));
    if (last !== undefined && first !== undefined) this.joints.add(last * this.idBound + first);
  }

  /** Where the pair is, or would be put. */
  private slotOf(left: number, right: number): number {
    const mask = this.slots.length - 1;
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const rank = this.slots[slot]!;
      if (rank === NO_MERGE) return slot;
      if (this.left[rank] === left && this.right[rank] === right) return slot;
    }
  }
}

function lastCharacter(text: string): string {
  const last = text.slice(-2);
  return last.codePointAt(0)! > 0xffff ? last : text.slice(-1);
}
