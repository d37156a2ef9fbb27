/** The models that the engine is tested on, and a folder for what is made of them. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { readGguf } from '../../gpu-backend/builder/gguf/gguf-file.ts';
import { REAL_MODEL } from '../support/real-model.ts';

export const BUNDLED = fileURLToPath(new URL('../../models/target', import.meta.url));
const FIXTURES = fileURLToPath(new URL('./fixtures', import.meta.url));
/** Further checkpoints, where they are at hand: bench/data/README.md. */
const SHARED_DATA =
  process.env.ESPALIER_BENCH_DATA ||
  fileURLToPath(new URL('../../../shared/data', import.meta.url));

export const SMALL = join(FIXTURES, 'llama3-rope-sharded-f32');

/** Its rotary embeddings are plain. */
export const PLAIN_ROPE = join(FIXTURES, 'llama-biased-tied-f32');
export const QWEN3 = join(FIXTURES, 'qwen3-qknorm-sharded-bf16');

/** Folders with a golden.json. */
export function goldenCheckpoints(): string[] {
  return [FIXTURES, join(SHARED_DATA, 'checkpoints')]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((folder) => existsSync(join(folder, 'golden.json')));
}

export const TINY_STORIES = join(SHARED_DATA, 'weights/TinyStories-656K');

/** ESPALIER_TEST_MODEL, where it is a GGUF file with this pre-tokenizer: `smollm` of SmolLM2, `qwen2` of Qwen2.5. */
export function realGguf(pre: 'smollm' | 'qwen2'): string | undefined {
  if (!REAL_MODEL?.endsWith('.gguf')) return undefined;
  return readGguf(REAL_MODEL).metadata.optionalText('tokenizer.ggml.pre') === pre
    ? REAL_MODEL
    : undefined;
}

/** A folder that is gone after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-engine-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
