/**
 * T, kept: a tenant's past outputs in an object's SQLite. The rows are the truth;
 * the young ones are indexed by an automaton in memory, the others by immutable
 * segments, merged as they age (each is at least twice as long as the next), so
 * that there are few. Segments can be rebuilt from their rows at any time, and
 * are: when one is damaged, and when an output leaves it.
 *
 * Holds outputs and which passages were in front of the model when it wrote
 * them. Never a prompt: a question says what somebody asked, and how questions go
 * on is no help to an answer.
 */
import { DamagedSegment, Segment } from '../../draft/segment.ts';
import { buildSegment } from '../../draft/segment-builder.ts';
import {
  best,
  heldIn,
  type KeptRange,
  type KeptRun,
  type Match,
  matchSegment,
  runOf,
} from './match.ts';
import type { NewOutput } from './messages.ts';
import {
  MAX_OUTPUT_TOKENS,
  MAX_RECALLED,
  type OutputLimits,
  RECALL_TOKENS,
} from './output-limits.ts';
import { RecentOutputs } from './recent-outputs.ts';

interface Indexed {
  id: number;
  segment: Segment;
  /** Ids of its outputs, by document. */
  outputs: number[];
  tokens: number;
}

export class OutputMemory {
  private readonly sql: SqlStorage;
  private readonly limits: OutputLimits;
  private readonly recent = new RecentOutputs();
  /** Oldest first. */
  private segments: Indexed[] = [];
  /** Segments that were damaged and had to be built again. */
  rebuilt = 0;

  /** Reads what is kept; rebuilds what of it is damaged. */
  constructor(sql: SqlStorage, limits: OutputLimits) {
    this.sql = sql;
    this.limits = limits;
    sql.exec(`CREATE TABLE IF NOT EXISTS outputs (
      id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, segment INTEGER,
      used INTEGER NOT NULL, length INTEGER NOT NULL, tokens BLOB NOT NULL)`);
    sql.exec('CREATE INDEX IF NOT EXISTS outputs_by_segment ON outputs (segment)');
    sql.exec('CREATE INDEX IF NOT EXISTS outputs_by_use ON outputs (used)');
    sql.exec(`CREATE TABLE IF NOT EXISTS output_passages (
      passage INTEGER NOT NULL, output INTEGER NOT NULL,
      PRIMARY KEY (passage, output)) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS passages_by_output ON output_passages (output)');
    sql.exec('CREATE TABLE IF NOT EXISTS segments (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)');
    this.load();
  }

  /** Tokens kept. */
  get tokens(): number {
    return this.recent.tokens + this.segments.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /**
   * Keeps an output; one that is there already is fresh again. False, and it is
   * not kept, where it may quote an answer of which nothing is known any more.
   */
  learn({ tokens, hash, passages, quotes }: NewOutput): boolean {
    const sources = new Set(passages);
    for (const quote of quotes) {
      const known = this.idOf(quote);
      if (known === null) return false;
      for (const passage of this.passagesOf(known)) sources.add(passage);
    }
    const { sql } = this;
    const used = this.one<number>('SELECT coalesce(max(used), 0) + 1 FROM outputs')!;
    let id = this.idOf(hash);
    if (id !== null) sql.exec('UPDATE outputs SET used = ? WHERE id = ?', used, id);
    else {
      const kept = tokens.slice(0, MAX_OUTPUT_TOKENS);
      id = this.one<number>(
        'INSERT INTO outputs (hash, used, length, tokens) VALUES (?, ?, ?, ?) RETURNING id',
        ...[hash, used, kept.length, kept.buffer],
      )!;
      this.recent.add(id, kept);
    }
    sql.exec(
      'INSERT OR IGNORE INTO output_passages SELECT value, ?1 FROM json_each(?2)',
      ...[id, JSON.stringify([...sources])],
    );
    if (this.recent.tokens > this.limits.recentTokens) this.seal();
    return true;
  }

  /**
   * Outputs that may be said again: first those that were written from the same
   * passages, then the ones used last.
   */
  recall(passages: readonly number[]): KeptRun[] {
    const rows = this.sql
      .exec<{ id: number; length: number }>(
        `SELECT id, length FROM outputs LEFT JOIN (
           SELECT output, count(*) AS shared FROM output_passages
           WHERE passage IN (SELECT value FROM json_each(?1)) GROUP BY output) ON output = id
         ORDER BY coalesce(shared, 0) DESC, used DESC LIMIT ?2`,
        ...[JSON.stringify(passages), MAX_RECALLED],
      )
      .toArray();
    const runs: KeptRun[] = [];
    let room = RECALL_TOKENS;
    for (const { id } of rows) {
      const run = runOf(id, this.textOf(id), 0);
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
      matches.push(...matchSegment(segment, tail, (document) => outputs[document]!, isHeld));
    }
    return best(matches).map(({ unit, at }) => runOf(unit, this.textOf(unit), at));
  }

  /** Every passage that an output was written from. */
  passages(): number[] {
    const rows = this.sql.exec<{ passage: number }>('SELECT DISTINCT passage FROM output_passages');
    return rows.toArray().map(({ passage }) => passage);
  }

  /** Drops every output that was written from one of these passages, and the segments they are in. */
  forget(passages: readonly number[]): void {
    const { sql } = this;
    const rows = sql
      .exec<{ id: number; segment: number | null }>(
        `SELECT id, segment FROM outputs WHERE id IN (SELECT output FROM output_passages
         WHERE passage IN (SELECT value FROM json_each(?)))`,
        JSON.stringify(passages),
      )
      .toArray();
    this.drop(rows.map(({ id }) => id));
    const touched = new Set(rows.map(({ segment }) => segment));
    for (const { id } of [...this.segments]) if (touched.has(id)) this.rebuild(id);
    if (touched.has(null)) this.reindexRecent();
  }

  /** The young outputs become a segment, merged with those before it that are not much longer. */
  private seal(): void {
    let tokens = this.recent.tokens;
    const merged: number[] = [];
    for (const { id, tokens: older } of this.segments.toReversed()) {
      if (older >= 2 * tokens || older + tokens > this.limits.segmentTokens) break;
      merged.push(id);
      tokens += older;
    }
    const id = this.one<number>('SELECT coalesce(max(id), 0) + 1 FROM segments')!;
    this.sql.exec(
      'UPDATE outputs SET segment = ?1 WHERE segment IS NULL OR segment IN (SELECT value FROM json_each(?2))',
      ...[id, JSON.stringify(merged)],
    );
    for (const old of merged) this.removeSegment(old);
    this.rebuild(id);
    this.recent.clear();
    while (this.tokens > this.limits.totalTokens && this.segments.length > 1) this.evict();
  }

  private evict(): void {
    const { id, outputs } = this.segments[0]!;
    this.drop(outputs);
    this.removeSegment(id);
  }

  private drop(outputs: readonly number[]): void {
    const ids = JSON.stringify(outputs);
    for (const [table, column] of [
      ['outputs', 'id'],
      ['output_passages', 'output'],
    ]) {
      this.sql.exec(
        `DELETE FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?))`,
        ids,
      );
    }
  }

  private removeSegment(id: number): void {
    this.sql.exec('DELETE FROM segments WHERE id = ?', id);
    this.segments = this.segments.filter((segment) => segment.id !== id);
  }

  /** Builds a segment from the outputs that are its; from none, there is none. */
  private rebuild(id: number): void {
    const outputs = this.outputsIn(id);
    this.removeSegment(id);
    if (outputs.length === 0) return;
    const buffer = buildSegment(outputs.map((output) => this.textOf(output)));
    this.sql.exec('INSERT INTO segments (id, bytes) VALUES (?, ?)', id, buffer);
    this.hold(id, new Segment(buffer), outputs);
  }

  private load(): void {
    this.reindexRecent();
    const named = this.sql.exec<{ segment: number }>(
      'SELECT DISTINCT segment FROM outputs WHERE segment IS NOT NULL',
    );
    for (const { segment: id } of named.toArray()) {
      const bytes = this.one<ArrayBuffer>('SELECT bytes FROM segments WHERE id = ?', id);
      const outputs = this.outputsIn(id);
      try {
        if (!bytes) throw new DamagedSegment('it is gone');
        const segment = new Segment(bytes);
        if (segment.documents !== outputs.length) throw new DamagedSegment('other outputs');
        this.hold(id, segment, outputs);
      } catch (error) {
        if (!(error instanceof DamagedSegment)) throw error;
        this.rebuilt++;
        this.rebuild(id);
      }
    }
  }

  private hold(id: number, segment: Segment, outputs: number[]): void {
    this.segments.push({ id, segment, outputs, tokens: segment.text.length });
    this.segments.sort((a, b) => a.outputs[0]! - b.outputs[0]!);
  }

  private reindexRecent(): void {
    this.recent.clear();
    for (const id of this.outputsIn(null)) this.recent.add(id, this.textOf(id));
  }

  private outputsIn(segment: number | null): number[] {
    const rows = this.sql.exec<{ id: number }>(
      'SELECT id FROM outputs WHERE segment IS ? ORDER BY id',
      segment,
    );
    return rows.toArray().map(({ id }) => id);
  }

  private textOf(id: number): Int32Array {
    return new Int32Array(this.one<ArrayBuffer>('SELECT tokens FROM outputs WHERE id = ?', id)!);
  }

  private idOf(hash: string): number | null {
    return this.one<number>('SELECT id FROM outputs WHERE hash = ?', hash);
  }

  private passagesOf(id: number): number[] {
    const rows = this.sql.exec<{ passage: number }>(
      'SELECT passage FROM output_passages WHERE output = ?',
      id,
    );
    return rows.toArray().map(({ passage }) => passage);
  }

  /** The only column of the only row, or null. */
  private one<T extends SqlStorageValue>(query: string, ...bindings: SqlStorageValue[]): T | null {
    const [row] = [...this.sql.exec(query, ...bindings).raw<[T]>()];
    return row ? row[0] : null;
  }
}
