/**
 * The worker's database from outside the worker, through wrangler, which knows
 * both the local one and the deployed one.
 */
import { runWrangler } from '../local/wrangler.ts';

export type Row = Record<string, string | number | null>;
export type Database = (sql: string) => Row[];

/** wrangler could not do it; the message has its words. */
export class D1Failure extends Error {}

/** @param where 'remote', or the folder of a local state */
export function openDatabase(where: string): Database {
  const place = where === 'remote' ? ['--remote'] : ['--local', '--persist-to', where];
  return function execute(sql) {
    const command = ['d1', 'execute', 'DB', ...place, '--json', '--command', sql];
    const { status, stdout, stderr } = runWrangler(...command);
    if (status !== 0) {
      const hint = /no such table/.test(stdout + stderr)
        ? ' Start Espalier once (npm start): it makes the tables.'
        : '';
      throw new D1Failure(`The database refused.${hint}\n${stdout}${stderr}`);
    }
    const results = JSON.parse(stdout) as { results: Row[] }[];
    return results.flatMap(({ results: rows }) => rows);
  };
}

/** A value as SQL has it: `d1 execute` takes no parameters. */
export function quote(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}
