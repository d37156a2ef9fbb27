/** Checkpoints of every supported family compute what transformers computes of them. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { checkGolden } from '../../gpu-backend/cli/golden-check.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { argmax, feed } from './driver.ts';
import { goldenCheckpoints, TINY_STORIES, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();

describe('golden checkpoints', () => {
  const checkpoints = goldenCheckpoints();

  it('cover sharded, tied, biased and 16-bit weights of four architectures', () => {
    expect(checkpoints.length).toBeGreaterThanOrEqual(5);
  });

  it.each(checkpoints.map((folder) => [basename(folder), folder]))('%s', async (_, folder) => {
    const report = await checkGolden(folder!, cacheFolder);
    expect(report.passed, JSON.stringify(report)).toBe(true);
    expect(report.argmaxAgreements).toBe(report.positions);
    expect(report.greedyAgreements).toBe(report.continuation);
    if (report.stored === 'F32') expect(report.maxLogitDifference).toBeLessThanOrEqual(1e-4);
  });
});

it.skipIf(!existsSync(TINY_STORIES))('a trained model writes its stories', async () => {
  const json = async (name: string) => JSON.parse(await readFile(join(TINY_STORIES, name), 'utf8'));
  const tokenizer = new Tokenizer(
    await json('tokenizer.json'),
    await json('tokenizer_config.json'),
  );
  const engine = await openEngine(TINY_STORIES, { slots: 1, cacheFolder });
  try {
    const prompt = tokenizer.encode('Once upon a time').ids;
    const slot = engine.acquire(Int32Array.from(prompt), 200, 'alone')!;
    const written = [...prompt];
    let next = argmax(await feed(engine, slot, prompt));
    while (written.length < 120) {
      written.push(next);
      next = argmax(await feed(engine, slot, [next]));
    }
    const story = tokenizer.decode(written, { skip_special_tokens: true });
    expect(story).toMatch(/^Once upon a time, .*a little (girl|boy) named \w+/);
    expect(story.split(/\s+/).length).toBeGreaterThan(60);
  } finally {
    engine.close();
  }
});
