/**
 * A model's vocabulary as bytes: what each token adds to a text, and tries over
 * all of them, in which a grammar finds the tokens that it allows.
 */

/** Characters up to which a token counts as plain: longer ones are few, and mostly spaces. */
export const PLAIN_CHARACTERS = 32;

/**
 * A trie laid flat in preorder, so that a walk over it is a loop: after a node
 * come the nodes below it, and `skip` names the first that is not one of them.
 */
export interface Trie {
  readonly size: number;
  readonly bytes: Uint8Array;
  /** Bytes before the node's own. */
  readonly depths: Uint16Array;
  /** The token that ends here, or -1. Tokens of the same bytes have nodes of their own. */
  readonly tokens: Int32Array;
  readonly skip: Int32Array;
  /** The most bytes of a token. */
  readonly height: number;
}

export class Vocabulary {
  /** Logits of a row. Ids beyond the tokenizer's tokens are never allowed. */
  readonly size: number;
  /** By id, a character a byte; null for tokens that are no text. */
  readonly texts: readonly (string | null)[];
  readonly trie: Trie;
  /** Bits of the tokens that may be anywhere in a JSON string, of up to so many characters. */
  readonly plain: readonly Uint32Array[];
  /** The tokens that are not plain. */
  readonly others: Trie;

  /** `texts`: what each token adds to a text, its bytes as characters; null for special tokens. */
  constructor(texts: readonly (string | null)[], size: number) {
    this.size = size;
    this.texts = texts;
    const ids = [...texts.keys()].filter((id) => id < size && texts[id]);
    this.trie = trieOf(ids, texts);
    const plain = Array.from(
      { length: PLAIN_CHARACTERS + 1 },
      () => new Uint32Array((size + 31) >>> 5),
    );
    const others: number[] = [];
    for (const id of ids) {
      const characters = plainCharacters(texts[id]!);
      if (characters < 0) others.push(id);
      else {
        for (let most = characters; most <= PLAIN_CHARACTERS; most++) {
          plain[most]![id >>> 5]! |= 1 << (id & 31);
        }
      }
    }
    this.plain = plain;
    this.others = trieOf(others, texts);
  }

  /** The longest token that `text` has at `from`, or -1. */
  longest(text: string, from: number): number {
    const { bytes, tokens, skip, depths, size } = this.trie;
    let best = -1;
    let at = 0;
    for (let i = from; i < text.length; i++) {
      const depth = i - from;
      const byte = text.charCodeAt(i);
      while (at < size && depths[at] === depth && bytes[at] !== byte) at = skip[at]!;
      if (at >= size || depths[at] !== depth) break;
      if (tokens[at]! >= 0) best = tokens[at]!;
      at++;
    }
    return best;
  }
}

function trieOf(ids: readonly number[], texts: readonly (string | null)[]): Trie {
  const sorted = ids
    .map((id) => ({ id, text: texts[id]! }))
    // By code unit, which here is by byte. `localeCompare` is not.
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : a.id - b.id));
  const bytes: number[] = [];
  const depths: number[] = [];
  const tokens: number[] = [];
  let last = '';
  let height = 0;
  for (const { id, text } of sorted) {
    // The same bytes again: the last node once more, beside the first.
    let same = Math.min(commonPrefix(last, text), text.length - 1);
    for (; same < text.length; same++) {
      bytes.push(text.charCodeAt(same));
      depths.push(same);
      tokens.push(-1);
    }
    tokens[tokens.length - 1] = id;
    last = text;
    height = Math.max(height, text.length);
  }
  return {
    size: bytes.length,
    bytes: Uint8Array.from(bytes),
    depths: Uint16Array.from(depths),
    tokens: Int32Array.from(tokens),
    skip: skips(depths),
    height,
  };
}

function commonPrefix(a: string, b: string): number {
  let n = 0;
  while (n < a.length && n < b.length && a.charCodeAt(n) === b.charCodeAt(n)) n++;
  return n;
}

/** For each node the next one that is as deep or less deep. O(size). */
function skips(depths: readonly number[]): Int32Array {
  const skip = new Int32Array(depths.length);
  const open: number[] = [];
  for (let node = 0; node < depths.length; node++) {
    while (open.length > 0 && depths[open.at(-1)!]! >= depths[node]!) skip[open.pop()!] = node;
    open.push(node);
  }
  for (const node of open) skip[node] = depths.length;
  return skip;
}

/** Characters of a token that is whole characters, none of which a JSON string would have to escape; else -1. */
function plainCharacters(text: string): number {
  let characters = 0;
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  for (const byte of bytes) {
    if (byte < 0x20 || byte === 0x22 || byte === 0x5c) return -1;
    if ((byte & 0xc0) !== 0x80) characters++;
  }
  if (characters > PLAIN_CHARACTERS) return -1;
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return characters;
  } catch {
    return -1;
  }
}
