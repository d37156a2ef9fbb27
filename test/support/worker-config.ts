/** The worker's own configuration, changed for a test and written to a folder of its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../local/root.ts';

export interface WorkerConfig {
  path: string;
  remove(): void;
}

export interface Changes {
  /** The script, from the root; the service's own if absent. */
  main?: string;
  /** The folder of static assets; the service's own if absent. */
  assets?: string;
  /** More of it, as TOML. */
  more?: string;
}

export function workerConfig({ main = 'src/index.ts', assets, more = '' }: Changes): WorkerConfig {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-config-'));
  const path = join(folder, 'wrangler.toml');
  const text = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')
    .replace('"src/index.ts"', JSON.stringify(join(ROOT, main)))
    .replace('"./web"', JSON.stringify(assets ?? join(ROOT, 'web')))
    .replace('"migrations"', JSON.stringify(join(ROOT, 'migrations')));
  writeFileSync(path, `${text}\n${more}`);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
