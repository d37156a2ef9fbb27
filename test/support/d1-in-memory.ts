/** D1 in this process and in memory, migrated: what store/ asks of it. A test may see each transaction, and break off before one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sqlite from 'node-sqlite3-wasm';
import { ROOT } from '../../local/root.ts';

type Row = Record<string, unknown>;

export class MemoryD1 {
  /** Rows that each transaction since the last reset has written. */
  readonly changes: number[] = [];
  /** Called before a transaction; throws where the process is to end there. */
  before: () => void = () => {};
  private readonly sqlite = new sqlite.Database();

  constructor() {
    const folder = join(ROOT, 'migrations');
    const files = readdirSync(folder).filter((name) => name.endsWith('.sql'));
    for (const name of files.sort()) this.sqlite.exec(readFileSync(join(folder, name), 'utf8'));
  }

  rows(text: string, values: readonly unknown[] = []): Row[] {
    return this.sqlite.all(text, values as never) as Row[];
  }

  /** As the binding. */
  get binding(): D1Database {
    const prepare = (text: string, values: readonly unknown[] = []) => ({
      text,
      values,
      bind: (...bound: unknown[]) => prepare(text, bound),
      all: async () => ({ results: this.transact([{ text, values }])[0] }),
      run: async () => ({ results: this.transact([{ text, values }])[0] }),
      raw: async () => this.transact([{ text, values }])[0]!.map((row) => Object.values(row)),
    });
    const batch = async (statements: readonly { text: string; values: readonly unknown[] }[]) =>
      this.transact(statements).map((results) => ({ results }));
    return { prepare, batch } as unknown as D1Database;
  }

  private transact(statements: readonly { text: string; values: readonly unknown[] }[]): Row[][] {
    this.before();
    const count = () => this.rows('SELECT total_changes() AS n')[0]!.n as number;
    const from = count();
    this.sqlite.exec('BEGIN');
    try {
      const results = statements.map(({ text, values }) => this.rows(text, values));
      this.sqlite.exec('COMMIT');
      this.changes.push(count() - from);
      return results;
    } catch (error) {
      this.sqlite.exec('ROLLBACK');
      throw error;
    }
  }
}
