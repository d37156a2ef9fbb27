/** The bundled model drafts for itself without some of its blocks, and the text is what it writes alone, to the bit. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import type { LocalDrafters } from '../../gpu-backend/drafters/local-drafters.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { openNetworks } from '../../gpu-backend/open-drafters.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { BUNDLED, temporaryFolder } from '../engine/models.ts';
import { skipFile } from '../engine/trained-file.ts';
import { decodeAtOnce } from './turns-at-once.ts';

const folder = temporaryFolder();
const SETTINGS = { slots: 3, maxContext: 256, threads: 1 };
const TOKENS = 32;
const QUESTIONS = [
  'How do I add a route?',
  'What does the middleware do with a request that has no header?',
  'Name three ways to store a file, and say which of them is the quickest.',
];

let engine: OrtEngine;
const prompts: number[][] = [];
beforeAll(async () => {
  engine = await openEngine(BUNDLED, SETTINGS);
  const read = (name: string) => JSON.parse(readFileSync(join(BUNDLED, name), 'utf8'));
  const { encode } = createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
  for (const question of QUESTIONS) {
    const text = `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
    prompts.push([...encode(text)]);
  }
});
afterAll(() => engine?.close());

/** Always asked, as it would not pay. */
async function drafting(without: string): Promise<LocalDrafters> {
  const file = skipFile(folder, BUNDLED, { without });
  const setup = { settings: SETTINGS, add: { cacheFolder: folder, compute: 'float32' as const } };
  const networks = await openNetworks(file, readModelFolder(BUNDLED), engine, setup);
  return new NetworkedDrafters(networks, nodeClock, { always: { passes: 3, nodes: 4 } });
}

/** All questions at once. */
function answers(drafters: LocalDrafters | null, temperature: number) {
  return decodeAtOnce(engine, prompts, TOKENS, drafters, temperature);
}

test.each([0, 0.8])('at temperature %d', async (temperature) => {
  const plain = await answers(null, temperature);
  // It really drafts: an MLP in the middle is hardly missed, and much is missed a lot.
  const steps: number[] = [];
  for (const without of ['2m', '1a 2m 3a 3m 4a']) {
    const drafters = await drafting(without);
    const drafted = await answers(drafters, temperature);
    drafters.close();
    expect(drafted.texts).toEqual(plain.texts);
    steps.push(drafted.steps);
  }
  expect(steps[0]).toBeLessThan(steps[1]!);
  expect(steps[0]).toBeLessThan(plain.steps / 2);
});
