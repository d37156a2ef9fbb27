/**
 * S, one segment of an ingested corpus, as a store of evidence. What the answer
 * says is followed from its beginning; the prompt is not, it stands in L.
 *
 * A slot holds the ranges of the suffix array whose suffixes begin with the last
 * tokens, one range for each set of occurrences: contexts of several lengths with
 * equally many occurrences have the same ones, so the shortest stands for all.
 * Following a token narrows each range by two binary searches and needs no index
 * besides the array. A corpus of several segments is several stores.
 *
 * The service keeps segments in objects elsewhere and asks for runs of them; this
 * is the corpus beside the drafter, which benches compare it with.
 */
import {
  type Evidence,
  type EvidenceStore,
  MAX_CONTEXTS,
  MAX_FOLLOWERS,
} from '../../src/draft/blend/evidence.ts';
import type { Segment } from '../../src/draft/segment/segment.ts';
import { SEPARATOR } from '../../src/draft/segment/suffix-sort.ts';
import { Source } from '../../src/draft/source.ts';
import { MAX_CONTEXT } from '../../src/draft/stores/session-store.ts';
import { MAX_TREE_NODES } from '../../src/draft/tree/tree.ts';
import { FrequentLists, LIST_WORDS } from './frequent-lists.ts';

/** Distinct followers read of a context that has no list; the rest is not drafted. */
const MAX_READ = 256;
/** Occurrences looked at to find one in a document that is not hidden. */
const MAX_PROBES = 64;

export class CorpusStore implements EvidenceStore {
  readonly segment: Segment;
  readonly lists: FrequentLists;
  private readonly source: Source;
  /** By slot, ranges of falling context length. */
  private readonly ranges = new Uint8Array(MAX_TREE_NODES + 1);
  private readonly starts = new Int32Array((MAX_TREE_NODES + 1) * MAX_CONTEXT);
  private readonly ends = new Int32Array((MAX_TREE_NODES + 1) * MAX_CONTEXT);
  /** Tokens of the shortest and of the longest context with a range's occurrences. */
  private readonly shortest = new Uint8Array((MAX_TREE_NODES + 1) * MAX_CONTEXT);
  private readonly longest = new Uint8Array((MAX_TREE_NODES + 1) * MAX_CONTEXT);
  /** The most frequent followers of the context being gathered, falling. */
  private readonly symbols = new Int32Array(MAX_FOLLOWERS);
  private readonly counts = new Int32Array(MAX_FOLLOWERS);
  private kept = 0;
  private total = 0;
  private distinct = 0;

  constructor(segment: Segment, source: Source = Source.corpus) {
    this.segment = segment;
    this.lists = new FrequentLists(segment);
    this.source = source;
  }

  begin(): void {
    this.ranges[0] = 0;
    this.move(0, SEPARATOR, 0);
  }

  advance(token: number): void {
    this.move(0, token + 1, 0);
  }

  follow(from: number, token: number, slot: number): void {
    this.move(from, token + 1, slot);
  }

  gather(slot: number, evidence: Evidence, store: number): void {
    const first = slot * MAX_CONTEXT;
    const end = first + this.ranges[slot]!;
    let known = 0;
    for (let range = first, contexts = 0; range < end && contexts < MAX_CONTEXTS; range++) {
      this.read(this.starts[range]!, this.ends[range]!, this.shortest[range]!);
      if (this.kept === 0 || this.total === known) continue;
      const shorter = this.shortest[range]! - 1;
      evidence.open(store, this.longest[range]!, shorter, this.total, this.distinct);
      const count = Math.min(this.kept, evidence.wanted);
      for (let i = 0; i < count; i++) {
        evidence.follower(this.symbols[i]! - 1, this.counts[i]!, this.source);
      }
      known = this.total;
      contexts++;
    }
  }

  get bytes(): number {
    return this.segment.buffer.byteLength + this.lists.rows.byteLength;
  }

  /** Throws unless slot 0 has ranges of falling context length and rising size. For tests. */
  checkIntegrity(): void {
    this.segment.checkIntegrity();
    this.lists.checkIntegrity();
    const { starts, ends, shortest, longest } = this;
    let occurrences = 0;
    let length = MAX_CONTEXT + 1;
    for (let range = 0; range < this.ranges[0]!; range++) {
      const found = ends[range]! - starts[range]!;
      if (found <= occurrences || longest[range]! >= length || shortest[range]! > longest[range]!) {
        throw new Error(`range ${range} is not of a shorter context that occurs more often`);
      }
      occurrences = found;
      length = shortest[range]!;
    }
  }

  /** O(contexts · log n). `slot` may be `from`: a range is read before it is written over. */
  private move(from: number, symbol: number, slot: number): void {
    const { segment, starts, ends, shortest, longest } = this;
    const first = from * MAX_CONTEXT;
    const end = first + this.ranges[from]!;
    const to = slot * MAX_CONTEXT;
    let at = to;
    for (let range = first; range < end; range++) {
      const depth = shortest[range]!;
      const order = longest[range]!;
      if (depth === MAX_CONTEXT) continue;
      const low = segment.lowerRank(starts[range]!, ends[range]!, depth, symbol);
      const high = segment.upperRank(low, ends[range]!, depth, symbol);
      if (low === high) continue;
      at = this.put(at, to, low, high, depth + 1, Math.min(order + 1, MAX_CONTEXT));
    }
    const row = segment.rowOf(symbol);
    if (row >= 0) {
      const { firstStarts } = segment;
      at = this.put(at, to, firstStarts[row]!, firstStarts[row + 1]!, 1, 1);
    }
    this.ranges[slot] = at - to;
  }

  /** Writes a range at `at`, or over the one before if that has the same occurrences. */
  private put(at: number, to: number, low: number, high: number, depth: number, order: number) {
    const { starts, ends, shortest, longest } = this;
    const same = at > to && ends[at - 1]! - starts[at - 1]! === high - low;
    const range = same ? at - 1 : at;
    starts[range] = low;
    ends[range] = high;
    shortest[range] = depth;
    if (!same) longest[range] = order;
    return range + 1;
  }

  /** Counts what follows the contexts in `[low, high)`, which are `depth` tokens long. */
  private read(low: number, high: number, depth: number): void {
    this.kept = this.total = this.distinct = 0;
    const list = this.segment.hasHidden ? -1 : this.lists.at(low, depth);
    if (list >= 0) this.readList(list, high - low);
    else this.readRanges(low, high, depth);
  }

  private readList(list: number, total: number): void {
    const { rows } = this.lists;
    this.total = total;
    this.distinct = rows[list + 2]!;
    for (let i = list + 3; i < list + LIST_WORDS; i += 2) {
      this.symbols[this.kept] = rows[i]!;
      this.counts[this.kept++] = rows[i + 1]!;
    }
  }

  private readRanges(low: number, high: number, depth: number): void {
    const { segment } = this;
    let rank = low;
    for (let read = 0; rank < high && read <= MAX_READ; read++) {
      const symbol = segment.symbol(rank, depth);
      const end = segment.upperRank(rank, high, depth, symbol);
      if (symbol !== SEPARATOR && this.isVisible(rank, end)) {
        this.total += end - rank;
        this.distinct++;
        this.keep(symbol, end - rank);
      }
      rank = end;
    }
  }

  private isVisible(rank: number, end: number): boolean {
    if (!this.segment.hasHidden) return true;
    const limit = Math.min(end, rank + MAX_PROBES);
    while (rank < limit && this.segment.isHidden(rank)) rank++;
    return rank < limit;
  }

  /** Insertion into the short sorted list. */
  private keep(symbol: number, count: number): void {
    const { symbols, counts } = this;
    let i = this.kept;
    if (i === MAX_FOLLOWERS) {
      if (count <= counts[i - 1]!) return;
      i--;
    } else this.kept++;
    for (; i > 0 && counts[i - 1]! < count; i--) {
      symbols[i] = symbols[i - 1]!;
      counts[i] = counts[i - 1]!;
    }
    symbols[i] = symbol;
    counts[i] = count;
  }
}
