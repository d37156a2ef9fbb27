/**
 * A, kept: of each token the successors that the target found likeliest when it
 * last verified it, in an object's SQLite. What is behind a row can't be told
 * from it, so a deletion of anything clears them all; they are learned again in
 * a few answers.
 */
import { RECYCLED_SUCCESSORS } from '../../draft/stores/recycled-table.ts';
import { MAX_ROWS_ASKED, MAX_ROWS_TOLD, type Successors } from '../../store/objects/memory.ts';

export class RecycledRows {
  private readonly sql: SqlStorage;
  private readonly capacity: number;

  /** @param capacity rows kept; beyond it the ones verified longest ago go */
  constructor(sql: SqlStorage, capacity: number) {
    this.sql = sql;
    this.capacity = capacity;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS successors (token INTEGER PRIMARY KEY, seen INTEGER NOT NULL, ids BLOB NOT NULL)',
    );
    sql.exec('CREATE INDEX IF NOT EXISTS successors_by_age ON successors (seen)');
  }

  /** What is known of these tokens. */
  of(tokens: Int32Array): Successors {
    const asked = JSON.stringify([...tokens.subarray(0, MAX_ROWS_ASKED)]);
    const rows = [
      ...this.sql
        .exec(
          'SELECT token, ids FROM successors WHERE token IN (SELECT value FROM json_each(?))',
          asked,
        )
        .raw<[number, ArrayBuffer]>(),
    ];
    const successors = new Int32Array(rows.length * RECYCLED_SUCCESSORS);
    rows.forEach(([, ids], i) => {
      successors.set(new Int32Array(ids), i * RECYCLED_SUCCESSORS);
    });
    return { tokens: Int32Array.from(rows, ([token]) => token), successors };
  }

  learn({ tokens, successors }: Successors): void {
    const { sql } = this;
    if (tokens.length === 0) return;
    const [[seen]] = [
      ...sql.exec('SELECT coalesce(max(seen), 0) + 1 FROM successors').raw<[number]>(),
    ] as [[number]];
    for (let i = 0; i < Math.min(tokens.length, MAX_ROWS_TOLD); i++) {
      const ids = successors.slice(i * RECYCLED_SUCCESSORS, (i + 1) * RECYCLED_SUCCESSORS);
      sql.exec(
        'INSERT OR REPLACE INTO successors (token, seen, ids) VALUES (?, ?, ?)',
        ...[tokens[i]!, seen, ids.buffer],
      );
    }
    sql.exec(
      `DELETE FROM successors WHERE token IN (SELECT token FROM successors ORDER BY seen DESC, token
       LIMIT -1 OFFSET ?)`,
      this.capacity,
    );
  }

  clear(): void {
    this.sql.exec('DELETE FROM successors');
  }
}
