/** The worker's bucket from outside the worker, through wrangler, which knows both the local one and the deployed one. */
import { resolve } from 'node:path';
import { runWrangler } from '../local/wrangler.ts';

const BUCKET = 'espalier-files';

/** wrangler could not put it; the message has its words. */
export class BucketFailure extends Error {}

/** @param where 'remote', or the folder of a local state */
export function putFile(where: string, key: string, file: string): void {
  const place = where === 'remote' ? ['--remote'] : ['--local', '--persist-to', resolve(where)];
  const command = ['r2', 'object', 'put', `${BUCKET}/${key}`, '--file', resolve(file), ...place];
  const { status, stdout, stderr } = runWrangler(...command);
  if (status !== 0) throw new BucketFailure(`${key} could not be put:\n${stdout}${stderr}`);
}
