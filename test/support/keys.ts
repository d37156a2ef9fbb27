/** The command line, on the database of a worker under test. */
import { spawn } from 'node:child_process';

export interface Run {
  status: number | null;
  out: string;
  err: string;
}

/** `npx espalier` with these arguments. @param state the folder of the worker's databases */
export function espalier(state: string, ...args: string[]): Promise<Run> {
  const child = spawn(process.execPath, ['bin/espalier.mjs', ...args, '--state', state]);
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

export async function createKey(
  state: string,
  tenant: string,
  ...options: string[]
): Promise<string> {
  const { out, err, status } = await espalier(
    state,
    ...['key', 'create', '--tenant', tenant],
    ...options,
  );
  if (status !== 0) throw new Error(`no key was made: ${err}`);
  return out;
}
