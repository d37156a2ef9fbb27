/** A turn goes on across the end of the engine's panel of 1,024 tokens, whatever its trees look like. */

import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PANEL_ROWS, panelRoom } from '../../gpu-backend/engine/panel.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { randomIntegers } from '../engine/driver.ts';
import { type RealVerifier, startRealVerifier } from './real-verifier.ts';

const BEFORE = 20;
const MAX_TOKENS = 48;
const cacheFolder = mkdtempSync(join(tmpdir(), 'espalier-panel-'));
let real: RealVerifier;
beforeAll(async () => {
  real = await startRealVerifier({ cacheFolder, slots: 2 });
}, 60_000);
afterAll(async () => {
  await real?.verifier.close();
  await rm(cacheFolder, { recursive: true, force: true });
});

type Draft = (tree: TokenTree, said: readonly number[]) => void;

async function answer(prompt: Int32Array, draft: Draft | null) {
  const drafting = draft ? 'lockstep' : 'off';
  const link = await real.open(prompt, { maxTokens: MAX_TOKENS, budget: 64, drafting });
  const tokens: number[] = [];
  /** Rows of each step, and how many there was room for before the panel's end. */
  const steps: { rows: number; room: number }[] = [];
  const tree = new TokenTree(64);
  const propose = () => {
    tree.clear();
    draft?.(tree, tokens);
    if (draft) link.sendTree(tree, prompt.length + tokens.length);
  };
  for await (const event of link.events()) {
    if (event.type === 'accept') {
      const cached = prompt.length + tokens.length - 1;
      steps.push({ rows: event.drafted + 1, room: panelRoom(cached) });
      tokens.push(...event.tokens);
    }
    if (event.type === 'ready' || event.type === 'accept') propose();
  }
  return { tokens, steps };
}

const random = randomIntegers(4);
const PROMPT = Int32Array.from({ length: PANEL_ROWS - BEFORE }, () => 3 + random(6_000));

test('trees that branch do not cross it, and the text is the same with any trees', async () => {
  const truth = await answer(PROMPT, null);
  expect(truth.tokens).toHaveLength(MAX_TOKENS);
  const bushy = await answer(PROMPT, (tree, said) => {
    let node = ROOT;
    for (const token of truth.tokens.slice(said.length, said.length + 2)) {
      for (let other = 0; other < 12; other++) tree.add(node, 3 + other, 1, Source.draft);
      node = tree.add(node, token, 1, Source.draft);
    }
  });
  expect(bushy.tokens).toEqual(truth.tokens);
  expect(bushy.steps.filter(({ rows, room }) => room > 1 && rows > room)).toEqual([]);
  const chain = await answer(PROMPT, (tree, said) => {
    let node = ROOT;
    for (const token of truth.tokens.slice(said.length)) {
      node = tree.add(node, token, 1, Source.draft);
    }
  });
  expect(chain.tokens).toEqual(truth.tokens);
});
