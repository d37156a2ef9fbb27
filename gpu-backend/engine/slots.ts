/**
 * Who holds which part of the KV cache, and what earlier prompts left there. A
 * released slot keeps its tokens: a later prompt that begins alike takes the slot
 * over or has its beginning copied. What was idle longest is given up first.
 */
import { type EngineLimits, MAX_ROWS, MAX_TOP_TOKENS, type Slot, type StepRow } from './engine.ts';
import type { KvPool } from './kv-pool.ts';
import { firstAcrossPanel, PANEL_ROWS, panelRoom } from './panel.ts';

/** Copying fewer rows than this is not worth the trouble. */
const MIN_PREFIX = 16;

export class KvSlot implements Slot {
  readonly pool: KvPool;
  /** Within the pool. */
  readonly index: number;
  readonly capacity: number;
  /** The tokens whose keys and values lie here, `length` of them. */
  readonly tokens: Int32Array;
  length = 0;
  /** Rows from the start that hold numbers; what lies after is memory as it was found. */
  cleared = 0;
  cached = 0;
  namespace = '';
  inUse = false;
  /** Whether a step in flight writes here. */
  inFlight = false;
  /** When it was released, by the table's count. */
  idleSince = 0;
  /** Tokens and parents of the last step's rows, until they are committed. */
  readonly rowTokens = new Int32Array(MAX_ROWS);
  readonly rowParents = new Int16Array(MAX_ROWS);
  rowCount = 0;

  constructor(pool: KvPool, index: number, capacity: number) {
    this.pool = pool;
    this.index = index;
    this.capacity = capacity;
    this.tokens = new Int32Array(capacity);
  }

  /** Throws a RangeError for rows that the graph could not run, or would run on others' cache. */
  checkRow(step: StepRow, limits: EngineLimits): void {
    const { count, tokens, parents, logitsFrom, top, kept = 0 } = step;
    if (!(count >= 1 && count <= limits.maxRows)) {
      throw new RangeError(`a session can feed 1 to ${limits.maxRows} rows a step, not ${count}`);
    }
    if (this.length + count > this.capacity) {
      throw new RangeError(
        `${count} rows after ${this.length} tokens exceed the slot's ${this.capacity}: feed fewer`,
      );
    }
    if (kept !== 0) this.checkKept(step);
    if (!(logitsFrom >= kept && logitsFrom <= count)) {
      throw new RangeError(`logitsFrom must be ${kept} to ${count}, not ${logitsFrom}`);
    }
    const mostTop = Math.min(MAX_TOP_TOKENS, limits.vocabSize);
    if (top !== undefined && !(Number.isInteger(top) && top >= 1 && top <= mostTop)) {
      throw new RangeError(`top must be 1 to ${mostTop}, or absent, not ${top}`);
    }
    const { vocabSize, promptPlaces = 0 } = limits;
    for (let row = 0; row < count; row++) {
      const token = tokens[row]!;
      if (!(token >= 0 && token < vocabSize + promptPlaces)) {
        throw new RangeError(`row ${row} has token ${token}; the vocabulary has ${vocabSize}`);
      }
      const parent = parents[row]!;
      if (!(parent >= -1 && parent < row)) {
        throw new RangeError(`row ${row} has parent ${parent}: parents come before their children`);
      }
    }
    if (limits.exact) this.checkPanel(parents, count);
  }

  /** Throws a RangeError unless the rows that are not fed again are those of the last step. */
  private checkKept({ count, tokens, parents, kept = 0 }: StepRow): void {
    if (!(Number.isInteger(kept) && kept >= 0 && kept <= this.rowCount && kept < count)) {
      throw new RangeError(
        `kept must be 0 to ${Math.min(this.rowCount, count - 1)}, not ${kept}: the last step had ${this.rowCount} rows`,
      );
    }
    for (let row = 0; row < kept; row++) {
      if (tokens[row] !== this.rowTokens[row] || parents[row] !== this.rowParents[row]) {
        throw new RangeError(`row ${row} is kept, but the last step had another one there`);
      }
    }
  }

  /** Throws a RangeError for a tree whose bits would depend on its siblings. */
  private checkPanel(parents: Int16Array, count: number): void {
    const row = firstAcrossPanel(parents, count, this.length);
    if (row < 0) return;
    const room = panelRoom(this.length);
    throw new RangeError(
      `row ${row} has parent ${parents[row]} in a tree across a multiple of ${PANEL_ROWS} tokens: ` +
        `feed at most ${room} rows, or begin with a chain of ${room} and branch behind it`,
    );
  }

  /** Keeps a step's rows for `commit`. */
  remember({ count, tokens, parents }: StepRow): void {
    for (let row = 0; row < count; row++) {
      this.rowTokens[row] = tokens[row]!;
      this.rowParents[row] = parents[row]!;
    }
    this.rowCount = count;
  }

  /** Throws a RangeError unless `path` goes down the last step's tree from its root. */
  checkPath(path: ArrayLike<number>, count: number): void {
    let parent = -1;
    for (let i = 0; i < count; i++) {
      const row = path[i]!;
      if (!(row >= 0 && row < this.rowCount) || this.rowParents[row] !== parent) {
        throw new RangeError(
          `row ${row} does not follow row ${parent} in the last step's ${this.rowCount} rows`,
        );
      }
      parent = row;
    }
  }
}

export interface Acquired {
  slot: KvSlot;
  /** Where the slot's first `slot.cached` tokens must be copied from; null if they are there. */
  copyFrom: KvSlot | null;
}

export class SlotTable {
  readonly slots: readonly KvSlot[];
  private clock = 0;

  /** `slots` in ascending order of capacity. */
  constructor(slots: readonly KvSlot[]) {
    this.slots = slots;
  }

  /** O(slots + the length of the prefixes that agree). */
  acquire(prompt: Int32Array, maxTokens: number, namespace: string): Acquired | null {
    const { source, prefix } = this.longestPrefix(prompt, namespace, MIN_PREFIX);
    const target = this.choose(source, prefix, maxTokens);
    if (!target) return null;
    const cached = source ? prefix : 0;
    if (source && source !== target) target.tokens.set(source.tokens.subarray(0, cached));
    target.inUse = true;
    target.namespace = namespace;
    target.length = cached;
    target.cached = cached;
    target.rowCount = 0;
    return { slot: target, copyFrom: source === target ? null : source };
  }

  /**
   * Makes `slot` hold as much of `prompt` as any other of its namespace does; the
   * rows it did not hold must be copied from what is returned. null where that is
   * not worth it. O(slots + the length of the prefixes that agree).
   */
  extend(slot: KvSlot, prompt: Int32Array): KvSlot | null {
    const { source, prefix } = this.longestPrefix(prompt, slot.namespace, slot.length + MIN_PREFIX);
    if (!source || prefix > slot.capacity) return null;
    slot.tokens.set(source.tokens.subarray(slot.length, prefix), slot.length);
    slot.length = prefix;
    return source;
  }

  /** The slot that holds most of `prompt`, where that is at least `least` tokens. */
  private longestPrefix(prompt: Int32Array, namespace: string, least: number) {
    const usable = prompt.length - 1; // the last token is always fed: its logits are needed
    let source: KvSlot | null = null;
    let prefix = least - 1;
    for (const slot of this.slots) {
      if (slot.namespace !== namespace) continue;
      const common = Math.min(usable, commonPrefix(slot.tokens, slot.length, prompt));
      if (common > prefix) {
        source = slot;
        prefix = common;
      }
    }
    return { source, prefix };
  }

  /** Of the slots that nobody uses, one that can take `rows` rows after what it holds; null where there is none. */
  idleWithRoom(rows: number): KvSlot | null {
    return this.slots.find((slot) => isFree(slot, slot.length + rows)) ?? null;
  }

  release(slot: KvSlot): void {
    slot.inUse = false;
    slot.rowCount = 0;
    slot.idleSince = ++this.clock;
  }

  /**
   * The slot itself where the prompt continues from most of what it holds (the next
   * turn of a chat); else a copy, so that a common beginning survives for others.
   */
  private choose(source: KvSlot | null, prefix: number, maxTokens: number): KvSlot | null {
    if (source && isFree(source, maxTokens) && 2 * prefix >= source.length) return source;
    let longestIdle: KvSlot | null = null;
    for (const slot of this.slots) {
      if (!isFree(slot, maxTokens) || slot === source) continue;
      // The smallest that will do; among those of one size the one that was idle longest.
      if (longestIdle && slot.capacity > longestIdle.capacity) break;
      if (!longestIdle || slot.idleSince < longestIdle.idleSince) longestIdle = slot;
    }
    if (longestIdle) return longestIdle;
    return source && isFree(source, maxTokens) ? source : null;
  }
}

function isFree(slot: KvSlot, maxTokens: number): boolean {
  return !slot.inUse && !slot.inFlight && slot.capacity >= maxTokens;
}

function commonPrefix(tokens: Int32Array, length: number, prompt: Int32Array): number {
  const end = Math.min(length, prompt.length);
  let common = 0;
  while (common < end && tokens[common] === prompt[common]) common++;
  return common;
}
