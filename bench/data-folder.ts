/** Data that is other people's and not in the repository: bench/data/README.md says what a folder of it holds. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What the folder that ESPALIER_BENCH_DATA names has at `path`. */
export function benchData(path: string): string | undefined {
  const folder = process.env.ESPALIER_BENCH_DATA;
  if (!folder) return undefined;
  if (!existsSync(folder))
    throw new Error(`ESPALIER_BENCH_DATA names ${folder}, which is not there`);
  const found = join(folder, path);
  return existsSync(found) ? found : undefined;
}
