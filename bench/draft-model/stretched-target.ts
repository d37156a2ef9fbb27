/**
 * The bundled target with a longer context, and no new weights: positions up to
 * 9,216, and a rotary base raised from 1e4 to 1e6, so that the angles between
 * far positions stay among those it was trained on. It was trained on texts of
 * 768 tokens: what it says of longer ones is worse, and the benchmark says how.
 */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../local/root.ts';

export const STRETCHED_CONTEXT = 9_216;
const ROPE_THETA = 1e6;

/** The folder of a checkpoint; its maker removes it. */
export function stretchedTarget(): string {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-stretched-'));
  cpSync(join(ROOT, 'models/target'), folder, { recursive: true });
  edit('config.json', {
    max_position_embeddings: STRETCHED_CONTEXT,
    rope_theta: ROPE_THETA,
    rope_parameters: { rope_type: 'default', rope_theta: ROPE_THETA },
  });
  edit('manifest.json', { name: 'espalier-tiny-stretched', maxContext: STRETCHED_CONTEXT });
  return folder;

  function edit(name: string, changes: object): void {
    const file = join(folder, name);
    const content = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...content, ...changes }));
  }
}
