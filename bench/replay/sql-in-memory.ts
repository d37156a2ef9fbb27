/** An object's SQLite, in this process and in memory: the part of it that the memory objects' cores use. */
import sqlite, { type QueryResult } from 'node-sqlite3-wasm';

/** Ids stay below 2^53. */
type Kept = Exclude<QueryResult[string], bigint | QueryResult>;

export function sqlInMemory(): SqlStorage {
  const database = new sqlite.Database();
  return {
    exec(query: string, ...bindings: SqlStorageValue[]) {
      const values = bindings.map((value) =>
        value instanceof ArrayBuffer ? new Uint8Array(value) : value,
      );
      const rows = database
        .all(query, values)
        .map((row) =>
          Object.fromEntries(
            Object.entries(row as Record<string, Kept>).map(([column, value]) => [
              column,
              value instanceof Uint8Array ? value.slice().buffer : value,
            ]),
          ),
        );
      return { toArray: () => rows, raw: () => rows.map((row) => Object.values(row)) };
    },
  } as unknown as SqlStorage;
}
