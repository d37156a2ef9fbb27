/** Keys for a worker under test, and the command line that makes them. */
import { spawn } from 'node:child_process';
import { createKey as insertKey, type NewKey } from '../../bin/keys.ts';
import { executeSql } from './worker.ts';

export interface Run {
  status: number | null;
  out: string;
  err: string;
}

/** `npx espalier` with these arguments. @param databases the folder of the worker's databases */
export function espalier(databases: string, ...args: string[]): Promise<Run> {
  const child = spawn(process.execPath, ['bin/espalier.mjs', ...args, '--state', databases]);
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status, out: out.trim(), err }));
  });
}

/** Makes keys as `npx espalier key create` does, without its start, which takes seconds. */
export async function createKeys(
  databases: string,
  ...keys: (Pick<NewKey, 'tenant'> & Partial<NewKey>)[]
): Promise<string[]> {
  const statements: string[] = [];
  const collect = (sql: string) => {
    statements.push(sql);
    return [];
  };
  const secrets = keys.map((key) =>
    insertKey(collect, {
      name: '',
      scopes: ['chat', 'ingest'],
      requestsPerMinute: 600,
      concurrency: 32,
      ...key,
    }),
  );
  await executeSql(databases, statements.join('\n'));
  return secrets;
}

/** One of them. */
export async function createKey(
  databases: string,
  tenant: string,
  more: Partial<NewKey> = {},
): Promise<string> {
  const [key] = await createKeys(databases, { tenant, ...more });
  return key!;
}
