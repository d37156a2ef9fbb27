/** What is deployed keeps its budgets: the script, the draft model in it, the assets beside it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { runWrangler } from '../../local/wrangler.ts';

/** What a worker may be in bytes, uncompressed: 14.2 MB are ONNX Runtime's. */
const BUNDLE_BUDGET = 20e6;
/** And compressed, which is what Cloudflare limits: to 10 MB on the Workers Paid plan. */
const COMPRESSED_BUDGET = 8e6;
/** And what of it the draft model may be. */
const MODEL_BUDGET = 2e6;
/** Beside the script: the sentence encoder's weights. One asset may have 25 MiB at Cloudflare. */
const ENCODER_BUDGET = 15e6;

test('the worker’s bundle keeps its budget', () => {
  const out = mkdtempSync(join(tmpdir(), 'espalier-bundle-'));
  const { status, stderr } = runWrangler('deploy', '--dry-run', '--outdir', out);
  expect(status, stderr).toBe(0);
  const modules = readdirSync(out)
    .filter((name) => !name.endsWith('.map') && name !== 'README.md')
    .map((name) => readFileSync(join(out, name)));
  rmSync(out, { recursive: true });
  const bytes = modules.reduce((sum, { length }) => sum + length, 0);
  expect(bytes).toBeGreaterThan(14e6);
  expect(bytes).toBeLessThan(BUNDLE_BUDGET);
  expect(gzipSync(Buffer.concat(modules)).length).toBeLessThan(COMPRESSED_BUDGET);
});

test('models keep theirs', () => {
  const size = (path: string) => statSync(join(ROOT, path)).size;
  expect(size('models/draft/edge.onnx')).toBeLessThan(MODEL_BUDGET);
  expect(size('web/embedder/model.onnx')).toBeLessThan(ENCODER_BUDGET);
});
