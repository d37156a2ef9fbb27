/**
 * T, kept: an index over a tenant's past outputs. The young ones are in an
 * automaton in memory, the others in immutable segments, by age: each is at least
 * twice as long as the next younger one, or too long for a segment together with
 * it, so that there are few. What leaves a segment is hidden at once.
 *
 * Nothing is built here: whoever holds this asks for `nextBuild`, builds it when
 * nobody waits, and hands the segment to `publish`. Then what is beyond the limit
 * goes, the oldest segment first, but for what was said again since.
 */
import { Segment } from '../../draft/segment/segment.ts';
import { DamagedSegment } from '../../draft/segment/segment-layout.ts';
import type { KeptRange, KeptRun, NewOutput } from '../../store/objects/memory.ts';
import { best, heldIn, type Match, matchSegment, runOf } from './match.ts';
import {
  MAX_BACKLOG,
  MAX_OUTPUT_PASSAGES,
  MAX_OUTPUT_TOKENS,
  MAX_RECALLED,
  type OutputLimits,
  RECALL_TOKENS,
} from './output-limits.ts';
import { OutputRows } from './output-rows.ts';
import { RecentOutputs } from './recent-outputs.ts';

interface Indexed {
  id: number;
  /** null while it is damaged. */
  segment: Segment | null;
  /** Ids of its outputs, by document; null of one that is gone. */
  outputs: (number | null)[];
  /** Of those left, the smallest. */
  age: number;
  /** Of those left, with a separator each. */
  tokens: number;
}

/** A segment to be built. */
export interface OutputBuild {
  /** What it is of, by rising age. */
  outputs: readonly number[];
  texts: readonly Int32Array[];
  /** Ids of the segments that it stands for. */
  replaces: readonly number[];
}

export class OutputMemory {
  private readonly rows: OutputRows;
  private readonly limits: OutputLimits;
  private readonly recent = new RecentOutputs();
  /** Oldest first. */
  private segments: Indexed[] = [];
  /** Segments that were damaged when this woke. */
  damaged = 0;

  /** Reads what is kept; what of it is damaged is refused, and to be built again. */
  constructor(sql: SqlStorage, limits: OutputLimits) {
    this.rows = new OutputRows(sql);
    this.limits = limits;
    this.reindexRecent();
    for (const id of this.rows.segments()) this.load(id);
  }

  /** Tokens kept. */
  get tokens(): number {
    return this.recent.tokens + this.segments.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** Whether there is something to build. */
  get isUntidy(): boolean {
    return this.recent.tokens > this.limits.recentTokens || this.segments.some(hasHoles);
  }

  /**
   * Keeps an output; one that is there already is fresh again. False, and it is
   * not kept, where it may quote an answer of which nothing is known any more.
   */
  learn({ tokens, hash, passages, quotes }: NewOutput): boolean {
    const { rows } = this;
    const sources = new Set(passages);
    for (const quote of quotes) {
      const known = rows.idOf(quote);
      if (known === null) return false;
      for (const passage of rows.passagesOf(known)) sources.add(passage);
    }
    if (sources.size > MAX_OUTPUT_PASSAGES) return false;
    let id = rows.idOf(hash);
    if (id !== null) {
      rows.touch(id);
      const all = new Set([...rows.passagesOf(id), ...sources]);
      // From too many: it counts as said for the first time.
      if (all.size > MAX_OUTPUT_PASSAGES) rows.unlink(id);
    } else {
      // Segments are not built as fast as answers come.
      if (this.recent.tokens > MAX_BACKLOG * this.limits.recentTokens) return false;
      const kept = tokens.slice(0, MAX_OUTPUT_TOKENS);
      id = rows.add(hash, kept);
      this.recent.add(id, kept);
    }
    rows.link(id, sources);
    return true;
  }

  /**
   * Outputs that may be said again: first those that were written from the same
   * passages, then the ones used last.
   */
  recall(passages: readonly number[]): KeptRun[] {
    const runs: KeptRun[] = [];
    let room = RECALL_TOKENS;
    for (const id of this.rows.likeliest(passages, MAX_RECALLED)) {
      const run = runOf(id, this.rows.textOf(id), 0);
      if (run.tokens.length > room) break;
      room -= run.tokens.length;
      runs.push(run);
    }
    return runs;
  }

  /** Outputs in which the end of an answer occurs, the longest matches first. */
  proceed(tail: Int32Array, held: readonly KeptRange[]): KeptRun[] {
    const isHeld = heldIn(held);
    const matches: Match[] = this.recent.match(tail, isHeld);
    for (const { segment, outputs } of this.segments) {
      if (!segment) continue;
      // Hidden documents are never found.
      matches.push(...matchSegment(segment, tail, (document) => outputs[document]!, isHeld));
    }
    return best(matches).map(({ unit, at }) => runOf(unit, this.rows.textOf(unit), at));
  }

  /** Every passage that an output was written from. */
  passages(): number[] {
    return this.rows.passages();
  }

  /** Drops every output that was written from one of these passages: none is said from then on. */
  forget(passages: readonly number[]): void {
    const gone = new Set(this.rows.writtenFrom(passages));
    if (gone.size === 0) return;
    this.rows.delete([...gone]);
    for (const indexed of [...this.segments]) {
      if (indexed.outputs.some((id) => id !== null && gone.has(id)))
        this.hold(indexed.id, indexed.segment);
    }
    this.reindexRecent();
  }

  /** What to build now, or null: the young outputs when they are many, or a segment that something left. */
  nextBuild(): OutputBuild | null {
    const { segments, limits } = this;
    if (this.recent.tokens > limits.recentTokens) {
      const young: number[] = [];
      let tokens = 0;
      for (const { id, length } of this.rows.pending()) {
        if (young.length > 0 && tokens + length + 1 > limits.segmentTokens) break;
        young.push(id);
        tokens += length + 1;
      }
      return this.buildOf(this.around(segments.length, segments.length, tokens), young);
    }
    const at = segments.findIndex(hasHoles);
    return at < 0 ? null : this.buildOf(this.around(at, at + 1, segments[at]!.tokens), []);
  }

  /** Takes in what was built, whatever happened meanwhile, and evicts what is too much. */
  publish({ outputs, replaces }: OutputBuild, bytes: ArrayBuffer): void {
    for (const id of replaces) this.remove(id);
    this.hold(this.rows.keepSegment(bytes, outputs), new Segment(bytes));
    this.reindexRecent();
    while (this.tokens > this.limits.totalTokens && this.segments.length > 1) this.evict();
  }

  /** Segments `first` to `last`, with those beside them that are not much longer or shorter. */
  private around(first: number, last: number, tokens: number): Indexed[] {
    const { segments, limits } = this;
    const fits = (more: number) => tokens + more <= limits.segmentTokens;
    for (;;) {
      const older = segments[first - 1]?.tokens;
      const younger = segments[last]?.tokens;
      if (older !== undefined && older < 2 * tokens && fits(older)) {
        first--;
        tokens += older;
      } else if (younger !== undefined && tokens < 2 * younger && fits(younger)) {
        last++;
        tokens += younger;
      } else return segments.slice(first, last);
    }
  }

  private buildOf(replaced: readonly Indexed[], young: readonly number[]): OutputBuild {
    const old = replaced.flatMap(({ outputs }) => outputs.filter((id) => id !== null));
    const texts = this.rows.textsOf([...old, ...young]);
    return {
      outputs: texts.map(({ id }) => id),
      texts: texts.map(({ tokens }) => tokens),
      replaces: replaced.map(({ id }) => id),
    };
  }

  /** The oldest segment goes; of its outputs those said again since are young again, up to half of it. */
  private evict(): void {
    const { id, outputs, tokens } = this.segments[0]!;
    const renewed: number[] = [];
    let room = tokens / 2;
    for (const { id: output, length } of this.rows.saidAgain(id)) {
      room -= length + 1;
      if (room < 0) break;
      renewed.unshift(output);
    }
    this.rows.renew(renewed);
    this.rows.delete(
      outputs.filter((output) => output !== null && !renewed.includes(output)) as number[],
    );
    this.remove(id);
    for (const output of renewed) this.recent.add(output, this.rows.textOf(output));
  }

  private remove(id: number): void {
    this.rows.dropSegment(id);
    this.segments = this.segments.filter((segment) => segment.id !== id);
  }

  private load(id: number): void {
    const bytes = this.rows.segment(id);
    try {
      if (!bytes) throw new DamagedSegment('it is gone');
      const segment = new Segment(bytes);
      if (this.rows.placedIn(id).some(({ place }) => place >= segment.documents)) {
        throw new DamagedSegment('other outputs');
      }
      this.hold(id, segment);
    } catch (error) {
      if (!(error instanceof DamagedSegment)) throw error;
      this.damaged++;
      this.hold(id, null);
    }
  }

  /** Takes a segment into memory, or what is left of one that is there; of nothing, there is none. */
  private hold(id: number, segment: Segment | null): void {
    this.segments = this.segments.filter((held) => held.id !== id);
    const placed = this.rows.placedIn(id);
    if (placed.length === 0) {
      this.rows.dropSegment(id);
      return;
    }
    const documents = segment?.documents ?? placed.at(-1)!.place + 1;
    const outputs: (number | null)[] = Array.from({ length: documents }, () => null);
    for (const output of placed) outputs[output.place] = output.id;
    outputs.forEach((output, document) => {
      if (output === null) segment?.hide(document);
    });
    const age = Math.min(...placed.map((output) => output.age));
    const tokens = placed.reduce((sum, { length }) => sum + length + 1, 0);
    this.segments.push({ id, segment, outputs, age, tokens });
    this.segments.sort((a, b) => a.age - b.age);
  }

  private reindexRecent(): void {
    this.recent.clear();
    for (const { id } of this.rows.pending()) this.recent.add(id, this.rows.textOf(id));
  }

  /** Throws unless index and rows agree. For tests; O(everything). */
  checkIntegrity(): void {
    this.recent.checkIntegrity();
    const young = this.rows.pending().map(({ id }) => id);
    if (this.recent.outputs.join() !== young.join()) {
      throw new Error(`the automaton has outputs ${this.recent.outputs}, the rows ${young}`);
    }
    const known = this.segments.map(({ id }) => id).sort();
    if (known.join() !== this.rows.segments().sort().join()) {
      throw new Error(`segments ${known} are held, ${this.rows.segments()} are named`);
    }
    for (const { id, segment, outputs } of this.segments) {
      segment?.checkIntegrity();
      for (const { id: output, place } of this.rows.placedIn(id)) {
        if (outputs[place] !== output) throw new Error(`output ${output} is not at ${place}`);
        const text = segment?.tokensOf(place) ?? this.rows.textOf(output);
        if (text.join() !== this.rows.textOf(output).join()) {
          throw new Error(`segment ${id} says something else than output ${output}`);
        }
      }
    }
  }
}

/** Whether it has to be built again. */
function hasHoles({ segment, outputs }: Indexed): boolean {
  return segment === null || outputs.includes(null);
}
