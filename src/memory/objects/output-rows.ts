/**
 * T's rows: a tenant's past outputs, which passages were in front of the model
 * when it wrote each, and the segments over them, in an object's SQLite. They are
 * the truth; what is in memory can be made of them.
 *
 * Never a prompt: a question says what somebody asked, and how questions continue is
 * no help to an answer.
 */

/** Latest outputs looked at for one passage: a popular one has thousands. */
const MAX_OF_PASSAGE = 64;

/** An output as a segment has it. */
export interface Placed {
  id: number;
  /** Number of the document that it is. */
  place: number;
  /** Rises with the time it came, or came again. */
  age: number;
  /** Tokens. */
  length: number;
}

export class OutputRows {
  private readonly sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.sql = sql;
    this.dropEarlierLayout();
    sql.exec(`CREATE TABLE IF NOT EXISTS outputs (
      id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, segment INTEGER,
      place INTEGER, age INTEGER NOT NULL, used INTEGER NOT NULL, length INTEGER NOT NULL,
      tokens BLOB NOT NULL)`);
    sql.exec('CREATE INDEX IF NOT EXISTS outputs_by_place ON outputs (segment, place)');
    sql.exec('CREATE INDEX IF NOT EXISTS outputs_by_use ON outputs (used)');
    sql.exec(`CREATE TABLE IF NOT EXISTS output_passages (
      passage INTEGER NOT NULL, output INTEGER NOT NULL,
      PRIMARY KEY (passage, output)) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS passages_by_output ON output_passages (output)');
    sql.exec('CREATE TABLE IF NOT EXISTS segments (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)');
  }

  /** In no segment yet. */
  add(hash: string, tokens: Int32Array): number {
    return this.one<number>(
      'INSERT INTO outputs (hash, age, used, length, tokens) VALUES (?1, ?2, ?2, ?3, ?4) RETURNING id',
      ...[hash, this.now(), tokens.length, tokens.slice().buffer],
    )!;
  }

  /** Said again. */
  touch(id: number): void {
    this.sql.exec('UPDATE outputs SET used = ? WHERE id = ?', this.now(), id);
  }

  idOf(hash: string): number | null {
    return this.one<number>('SELECT id FROM outputs WHERE hash = ?', hash);
  }

  textOf(id: number): Int32Array {
    return new Int32Array(this.one<ArrayBuffer>('SELECT tokens FROM outputs WHERE id = ?', id)!);
  }

  /** Those left of these, by rising age. */
  textsOf(ids: readonly number[]): { id: number; tokens: Int32Array }[] {
    return this.all<{ id: number; tokens: ArrayBuffer }>(
      `SELECT id, tokens FROM outputs WHERE id IN (SELECT value FROM json_each(?)) ORDER BY age`,
      JSON.stringify(ids),
    ).map(({ id, tokens }) => ({ id, tokens: new Int32Array(tokens) }));
  }

  passagesOf(id: number): number[] {
    return this.column('SELECT passage FROM output_passages WHERE output = ?', id);
  }

  /** Every passage that an output was written from. */
  passages(): number[] {
    return this.column('SELECT DISTINCT passage FROM output_passages');
  }

  writtenFrom(passages: readonly number[]): number[] {
    return this.column(
      `SELECT DISTINCT output FROM output_passages WHERE passage IN (SELECT value FROM json_each(?))`,
      JSON.stringify(passages),
    );
  }

  link(id: number, passages: Iterable<number>): void {
    this.sql.exec(
      'INSERT OR IGNORE INTO output_passages SELECT value, ?1 FROM json_each(?2)',
      ...[id, JSON.stringify([...passages])],
    );
  }

  unlink(id: number): void {
    this.sql.exec('DELETE FROM output_passages WHERE output = ?', id);
  }

  /** At most so many of those with tokens: first those from most of these passages, then the ones used last. */
  likeliest(passages: readonly number[], most: number): number[] {
    const latest = passages.flatMap((passage) =>
      this.column(
        `SELECT output FROM output_passages JOIN outputs ON id = output
           WHERE passage = ? AND length > 0 ORDER BY output DESC LIMIT ${MAX_OF_PASSAGE}`,
        passage,
      ),
    );
    const related = this.column(
      `SELECT id FROM outputs JOIN output_passages ON output = id
         WHERE id IN (SELECT value FROM json_each(?1)) AND passage IN (SELECT value FROM json_each(?2))
         GROUP BY id ORDER BY count(*) DESC, used DESC LIMIT ?3`,
      ...[JSON.stringify(latest), JSON.stringify(passages), most],
    );
    const last = this.column(
      'SELECT id FROM outputs WHERE length > 0 ORDER BY used DESC LIMIT ?',
      most,
    );
    return [...new Set([...related, ...last])].slice(0, most);
  }

  /** Those in no segment, by rising age. */
  pending(): { id: number; length: number }[] {
    return this.all('SELECT id, length FROM outputs WHERE segment IS NULL ORDER BY age');
  }

  placedIn(segment: number): Placed[] {
    return this.all(
      'SELECT id, place, age, length FROM outputs WHERE segment = ? ORDER BY place',
      segment,
    );
  }

  /** Outputs of a segment that were said again since they came, the latest first. */
  saidAgain(segment: number): { id: number; length: number }[] {
    return this.all(
      'SELECT id, length FROM outputs WHERE segment = ? AND used > age ORDER BY used DESC',
      segment,
    );
  }

  /** As if they came now, in this order; in no segment. */
  renew(ids: readonly number[]): void {
    for (const id of ids) {
      this.sql.exec(
        'UPDATE outputs SET segment = NULL, place = NULL, age = ?1, used = ?1 WHERE id = ?2',
        this.now(),
        id,
      );
    }
  }

  delete(ids: readonly number[]): void {
    const list = JSON.stringify(ids);
    for (const [table, column] of [
      ['outputs', 'id'],
      ['output_passages', 'output'],
    ]) {
      this.sql.exec(
        `DELETE FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?))`,
        list,
      );
    }
  }

  /** Ids of the segments that outputs are in. */
  segments(): number[] {
    return this.column('SELECT DISTINCT segment FROM outputs WHERE segment IS NOT NULL');
  }

  segment(id: number): ArrayBuffer | null {
    return this.one('SELECT bytes FROM segments WHERE id = ?', id);
  }

  /** Keeps a segment of these outputs, of which some may be gone; returns its id. */
  keepSegment(bytes: ArrayBuffer, outputs: readonly number[]): number {
    const id = this.one<number>(
      `INSERT INTO segments (id, bytes) SELECT 1 + coalesce(max(id), 0), ?1 FROM (
         SELECT id FROM segments UNION ALL SELECT segment FROM outputs) RETURNING id`,
      bytes,
    )!;
    this.sql.exec(
      `UPDATE outputs SET segment = ?1, place = list.key
         FROM json_each(?2) AS list WHERE outputs.id = list.value`,
      ...[id, JSON.stringify(outputs)],
    );
    return id;
  }

  dropSegment(id: number): void {
    this.sql.exec('DELETE FROM segments WHERE id = ?', id);
  }

  /** The next moment: rises with everything that is said. */
  private now(): number {
    return this.one<number>('SELECT coalesce(max(used), 0) + 1 FROM outputs')!;
  }

  /** What an earlier version kept can be said again; what it must forget can't be told any more. */
  private dropEarlierLayout(): void {
    const columns = this.all<{ name: string }>("SELECT name FROM pragma_table_info('outputs')");
    if (columns.length === 0 || columns.some(({ name }) => name === 'place')) return;
    for (const table of ['outputs', 'output_passages', 'segments']) {
      this.sql.exec(`DROP TABLE IF EXISTS ${table}`);
    }
  }

  private all<T>(query: string, ...bindings: SqlStorageValue[]): T[] {
    return this.sql.exec(query, ...bindings).toArray() as T[];
  }

  private column(query: string, ...bindings: SqlStorageValue[]): number[] {
    return [...this.sql.exec(query, ...bindings).raw<[number]>()].map(([value]) => value);
  }

  /** The only column of the only row, or null. */
  private one<T extends SqlStorageValue>(query: string, ...bindings: SqlStorageValue[]): T | null {
    const [row] = [...this.sql.exec(query, ...bindings).raw<[T]>()];
    return row ? row[0] : null;
  }
}
