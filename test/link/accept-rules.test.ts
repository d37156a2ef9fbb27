/**
 * Each accept rule through a running verifier, up to the end of the engine's panel and
 * beyond it: trees are verified and drafts accepted, and no step's tree lies across.
 */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withFreeNodes } from '../../bench/drafters/free-nodes.ts';
import { NEAR, NEIGHBOURS_FILE } from '../../gpu-backend/accept/lossy/neighbour-table.ts';
import type { DecoderConfig } from '../../gpu-backend/builder/config.ts';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { PANEL_ROWS, panelRoom } from '../../gpu-backend/engine/panel.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { ACCEPT_RULES, type AcceptRuleName } from '../../src/link/protocol/index.ts';
import { randomIntegers } from '../engine/driver.ts';
import { BUNDLED, temporaryFolder } from '../engine/models.ts';
import { alwaysDraft } from '../support/always-draft.ts';
import { type RealVerifier, startRealVerifier } from './real-verifier.ts';

const BEFORE = 24;
const MAX_TOKENS = 48;
/** A bias leaves the target little to choose from but these, so that fixed trees are right at times under any rule. */
const LIKELY = [301, 302, 303, 304];
const BIAS = 40;
const random = randomIntegers(4);
const PROMPT = Int32Array.from({ length: PANEL_ROWS - BEFORE }, () => 3 + random(6_000));

const cacheFolder = temporaryFolder();
let real: RealVerifier;
alwaysDraft();
beforeAll(async () => {
  const source = join(cacheFolder, 'with-aids');
  cpSync(BUNDLED, source, { recursive: true });
  writeAids(source, readModelFolder(source).config);
  real = await startRealVerifier({
    cacheFolder,
    source,
    slots: 2,
    hiddenOutput: true,
    wrap: withFreeNodes,
  });
}, 60_000);
afterAll(async () => {
  await real?.verifier.close();
});

/** Neighbours that lie among the likely tokens, and a judge that finds everything good. */
function writeAids(folder: string, { vocabSize, hiddenSize }: DecoderConfig) {
  const near = Uint32Array.from({ length: vocabSize * NEAR }, (_, i) => LIKELY[i % LIKELY.length]!);
  writeFileSync(join(folder, NEIGHBOURS_FILE), new Uint8Array(near.buffer));
  const judge = { weights: new Array(hiddenSize).fill(0), bias: 1, threshold: 0.5 };
  writeFileSync(join(folder, 'judge.json'), JSON.stringify(judge));
}

async function answer(accept: AcceptRuleName) {
  const link = await real.open(PROMPT, {
    accept,
    maxTokens: MAX_TOKENS,
    budget: 16,
    drafting: 'lockstep',
    sampling: {
      seed: [1, 2],
      temperature: 1,
      topP: 1,
      topK: 0,
      logitBias: LIKELY.map((id) => [id, BIAS]),
    },
  });
  const steps: { drafted: number; accepted: number; room: number }[] = [];
  const tree = new TokenTree(16);
  let length = PROMPT.length;
  let deviations = 0;
  for await (const event of link.events()) {
    if (event.type === 'accept') {
      const { drafted, tokens } = event;
      steps.push({ drafted, accepted: tokens.length - 1, room: panelRoom(length - 1) - 1 });
      deviations += event.deviations ?? 0;
      length += tokens.length;
    }
    if (event.type !== 'ready' && event.type !== 'accept') continue;
    tree.clear();
    for (const first of LIKELY.slice(0, 3)) {
      const node = tree.add(ROOT, first, 0.3, Source.draft);
      for (const second of LIKELY.slice(1)) tree.add(node, second, 0.09, Source.draft);
    }
    link.sendTree(tree, length);
  }
  return { steps, deviations, said: length - PROMPT.length };
}

describe.each(ACCEPT_RULES)('%s', (rule) => {
  test('verifies trees and accepts of them on both sides of a panel’s end', async () => {
    const { steps, deviations, said } = await answer(rule);
    expect(said).toBe(MAX_TOKENS);
    const sums = (part: typeof steps) => ({
      drafted: part.reduce((sum, step) => sum + step.drafted, 0),
      accepted: part.reduce((sum, step) => sum + step.accepted, 0),
    });
    const end = steps.findIndex(({ room }) => room > BEFORE);
    for (const part of [steps.slice(0, end), steps.slice(end)]) {
      expect(sums(part).drafted).toBeGreaterThan(0);
      expect(sums(part).accepted).toBeGreaterThan(0);
    }
    expect(steps.filter(({ drafted, room }) => room > 0 && drafted > room)).toEqual([]);
    const lossy = ['typical', 'relaxed', 'judge'].includes(rule);
    if (!lossy) expect(deviations).toBe(0);
    if (rule === 'judge') expect(deviations).toBeGreaterThan(0);
  });
});
