/**
 * S, as one shard has it: which segments there are and which documents they
 * hold, in the object's SQLite; the segments themselves in memory, and in R2 to
 * read again. A document without a row is hidden, whatever a segment still has
 * of it.
 */
import { Segment } from '../../draft/segment/segment.ts';
import type { KeptRange, KeptRun } from '../../store/objects/memory.ts';
import { best, heldIn, matchSegment, runOf } from './match.ts';

/** Which passages of a segment are a document's. */
interface Part {
  document: number;
  first: number;
  passages: number;
}

export interface HeldSegment {
  id: number;
  /** In R2. */
  key: string;
  segment: Segment;
  /** Whether it has text of documents that are gone. */
  holes: boolean;
}

/** More passages than a segment can have: numbers a passage within its shard. */
const PASSAGES_A_SEGMENT = 2 ** 24;

export class CorpusSegments {
  private readonly sql: SqlStorage;
  readonly held: HeldSegment[] = [];

  constructor(sql: SqlStorage) {
    this.sql = sql;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS segments (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL)',
    );
    sql.exec(`CREATE TABLE IF NOT EXISTS documents (
      document INTEGER PRIMARY KEY, segment INTEGER NOT NULL,
      first INTEGER NOT NULL, passages INTEGER NOT NULL)`);
    sql.exec('CREATE INDEX IF NOT EXISTS documents_by_segment ON documents (segment)');
  }

  /** Tokens of all segments, separators and holes included. */
  get tokens(): number {
    return this.held.reduce((sum, { segment }) => sum + segment.text.length, 0);
  }

  get bytes(): number {
    return this.held.reduce((sum, { segment }) => sum + segment.buffer.byteLength, 0);
  }

  /** Segments by their keys in R2. */
  listed(): { id: number; key: string }[] {
    return this.sql.exec<{ id: number; key: string }>('SELECT * FROM segments').toArray();
  }

  /** The shortest first. */
  byLength(): HeldSegment[] {
    return this.held.toSorted((a, b) => a.segment.text.length - b.segment.text.length);
  }

  /** Ids of the documents that may be drafted from. */
  documents(): Set<number> {
    return new Set([...this.sql.exec('SELECT document FROM documents').raw<[number]>()].flat());
  }

  /** Takes a segment that was read from R2 into memory. Throws `DamagedSegment`. */
  hold(id: number, key: string, bytes: ArrayBuffer): void {
    const held: HeldSegment = { id, key, segment: new Segment(bytes), holes: false };
    const visible = new Uint8Array(held.segment.documents);
    for (const { first, passages } of this.partsOf(id)) {
      visible.fill(1, first, first + passages);
    }
    for (let i = 0; i < visible.length; i++) {
      if (visible[i]) continue;
      held.segment.hide(i);
      held.holes = true;
    }
    this.held.push(held);
  }

  /** Makes a segment that is in R2 known, in place of others. */
  publish(
    key: string,
    bytes: ArrayBuffer,
    contents: readonly { id: number; passages: number }[],
    replaced: readonly HeldSegment[],
  ): void {
    const { sql } = this;
    for (const { id } of replaced) this.remove(id);
    const [[id]] = [
      ...sql.exec('INSERT INTO segments (key) VALUES (?) RETURNING id', key).raw<[number]>(),
    ] as [[number]];
    let first = 0;
    for (const { id: document, passages } of contents) {
      sql.exec(
        'INSERT OR REPLACE INTO documents (document, segment, first, passages) VALUES (?, ?, ?, ?)',
        ...[document, id, first, passages],
      );
      first += passages;
    }
    this.hold(id, key, bytes);
  }

  /** Forgets a segment and what is in it. */
  remove(id: number): void {
    this.sql.exec('DELETE FROM segments WHERE id = ?', id);
    this.sql.exec('DELETE FROM documents WHERE segment = ?', id);
    const at = this.held.findIndex((segment) => segment.id === id);
    if (at >= 0) this.held.splice(at, 1);
  }

  /** From now on nothing of any other document is said; returns how many there were. */
  hideAllBut(documents: ReadonlySet<number>): number {
    const gone = [...this.documents()].filter((id) => !documents.has(id));
    for (const id of gone) this.hide(id);
    return gone.length;
  }

  /** The passages of each document in a segment that is not gone. */
  textsOf({ id, segment }: HeldSegment): { id: number; passages: Int32Array[] }[] {
    return this.partsOf(id).map(({ document, first, passages }) => ({
      id: document,
      passages: Array.from({ length: passages }, (_, i) => segment.tokensOf(first + i)),
    }));
  }

  /** Passages in which the end of an answer occurs, the longest matches first. */
  proceed(tail: Int32Array, held: readonly KeptRange[]): KeptRun[] {
    const isHeld = heldIn(held);
    const matches = this.held.flatMap(({ id, segment }) => {
      const unitOf = (document: number) => id * PASSAGES_A_SEGMENT + document;
      const found = matchSegment(segment, tail, unitOf, isHeld);
      return found.map((match) => ({ ...match, segment }));
    });
    return best(matches).map(({ unit, at, segment }) =>
      runOf(unit, segment.tokensOf(unit % PASSAGES_A_SEGMENT), at),
    );
  }

  private hide(document: number): void {
    const [row] = this.sql
      .exec<{ segment: number; first: number; passages: number }>(
        'DELETE FROM documents WHERE document = ? RETURNING segment, first, passages',
        document,
      )
      .toArray();
    const held = this.held.find(({ id }) => id === row?.segment);
    if (!row || !held) return;
    for (let i = row.first; i < row.first + row.passages; i++) held.segment.hide(i);
    held.holes = true;
  }

  /** Throws unless rows and segments agree. For tests; O(everything). */
  checkIntegrity(): void {
    for (const { id, segment, holes } of this.held) {
      segment.checkIntegrity();
      const owner = new Uint8Array(segment.documents);
      for (const { document, first, passages } of this.partsOf(id)) {
        for (let i = first; i < first + passages; i++) {
          if (owner[i] === undefined || owner[i] === 1) {
            throw new Error(`passage ${i} of segment ${id} is not document ${document}'s alone`);
          }
          owner[i] = 1;
        }
      }
      if (owner.includes(0) !== holes) throw new Error(`segment ${id} has holes: ${!holes}`);
    }
    const named = this.listed().map(({ id }) => id);
    if (
      this.held
        .map(({ id }) => id)
        .sort()
        .join() !== named.sort().join()
    ) {
      throw new Error(`segments ${named} are listed, others held`);
    }
  }

  private partsOf(segment: number): Part[] {
    return this.sql
      .exec<{ document: number; first: number; passages: number }>(
        'SELECT document, first, passages FROM documents WHERE segment = ? ORDER BY first',
        segment,
      )
      .toArray();
  }
}
