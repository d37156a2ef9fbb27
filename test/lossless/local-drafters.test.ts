/** With every drafter beside the engine the text is what the target writes alone, several sessions at a time. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { layersOf } from '../../gpu-backend/builder/decoder-options.ts';
import { featureDrafter } from '../../gpu-backend/builder/feature-drafter.ts';
import { hydraHeads } from '../../gpu-backend/builder/hydra-heads.ts';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import { Echoes } from '../../gpu-backend/drafters/echoes.ts';
import { EngineNetwork } from '../../gpu-backend/drafters/engine-network.ts';
import { HydraNetwork } from '../../gpu-backend/drafters/hydra-network.ts';
import { JointNetwork } from '../../gpu-backend/drafters/joint-network.ts';
import type { LocalDrafters, Seat } from '../../gpu-backend/drafters/local-drafters.ts';
import type { Network } from '../../gpu-backend/drafters/network.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import { PromptNetwork } from '../../gpu-backend/drafters/prompt-network.ts';
import { Prompting } from '../../gpu-backend/drafters/prompting.ts';
import { DraftHeads } from '../../gpu-backend/engine/draft-heads.ts';
import { type EngineOptions, openEngine, openPart } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import { ScriptedNetwork } from '../drafters/scripted-network.ts';
import { hydraFile, hydraTensors } from '../engine/hydra-file.ts';
import { SMALL, temporaryFolder } from '../engine/models.ts';
import { promptValues } from '../engine/prompts-file.ts';
import { randomCheckpoint } from '../engine/random-checkpoint.ts';
import { fusionTensors, NAMED, SMALL_HIDDEN, trainedFile } from '../engine/trained-file.ts';
import { decodeAtOnce } from './turns-at-once.ts';

const cacheFolder = temporaryFolder();
const BASE: EngineOptions = { slots: 3, maxContext: 160, threads: 1, cacheFolder };
const PLACES = 3;
const TARGET: EngineOptions = {
  ...BASE,
  hiddenOutput: true,
  promptTokens: promptValues(PLACES),
};
const DRAFT: EngineOptions = { ...BASE, attention: 'fused' };
const TOKENS = 40;
const TURNS = [
  [3, 4, 5, 6, 3, 4],
  [40, 41, 42],
  Array.from({ length: 70 }, (_, i) => (i * 31) % 96),
];

let engine: OrtEngine;
const opened: { close(): void }[] = [];
beforeAll(async () => {
  engine = await openEngine(SMALL, TARGET);
});
afterAll(() => {
  for (const one of opened) one.close();
  engine.close();
});

const always = (network: Network): LocalDrafters =>
  new NetworkedDrafters([network], nodeClock, { always: { passes: 3, nodes: 4 } });

/** A layer over the target's states as it is before it has learned anything. */
async function overStates(): Promise<Network> {
  const notes = { kind: 'feature', tokens: NAMED.join(' ') };
  const file = trainedFile(cacheFolder, notes, fusionTensors());
  const part = featureDrafter(engine.parts.prepared, file);
  const draft = await openPart(engine, part, { ...DRAFT, hiddenOutput: true });
  opened.push(draft);
  const { vocabSize } = engine.limits;
  return new EngineNetwork(draft, {
    name: 'draft',
    vocabSize,
    vocabulary: part.vocabulary,
    readsStates: true,
  });
}

/** Heads over the target's states that have learned nothing. */
async function heads(): Promise<Network> {
  const notes = { places: '3', tokens: NAMED.join(' ') };
  const file = hydraFile(cacheFolder, SMALL, notes, hydraTensors(SMALL_HIDDEN, 3));
  const draft = await DraftHeads.open(engine, hydraHeads(engine.parts.prepared, file), DRAFT);
  opened.push(draft);
  return new HydraNetwork('hydra', draft, engine.limits.vocabSize);
}

async function reading(open: Promise<OrtEngine>): Promise<Network> {
  const draft = await open;
  opened.push(draft);
  return new EngineNetwork(draft, { name: 'draft', vocabSize: engine.limits.vocabSize });
}

async function network(open: Promise<OrtEngine>): Promise<LocalDrafters> {
  return always(await reading(open));
}

/** Proposes whatever harms most: wrong with certainty, beyond the vocabulary's favourites, as many as fit. */
class Saboteur extends EchoDrafter {
  override draft(tree: TokenTree, budget: number): void {
    let node = ROOT;
    for (let i = 0; i < Math.min(8, budget); i++) node = tree.add(node, 95 - i, 1, Source.draft);
    for (let i = 0; i < budget; i++) tree.add(ROOT, i % 96, 0.99, Source.draft);
  }
}

const sabotage: LocalDrafters = {
  spent: [],
  seat: (): Seat => new Saboteur(),
  prepare: async () => {},
  settle: () => {},
  close: () => {},
};

/** Says of every place that the same token follows for certain, several times over. */
const liar = new ScriptedNetwork(96, () => [
  [7, 1],
  [7, 1],
  [95, 1],
]);

const DRAFTERS: Record<string, () => LocalDrafters | Promise<LocalDrafters>> = {
  'the echo': () => new Echoes(),
  'a second model': () =>
    network(
      openEngine(
        randomCheckpoint(`${cacheFolder}/second`, {
          architecture: 'LlamaForCausalLM',
          heads: 4,
          kvHeads: 2,
          headDim: 16,
          maxPositions: 256,
        }),
        DRAFT,
      ),
    ),
  "the target's own weights": () => network(openPart(engine, { blocks: layersOf(0, 2) }, DRAFT)),
  "some of the target's blocks": () =>
    network(openPart(engine, { blocks: layersOf(0, 2).slice(0, 3) }, DRAFT)),
  "a layer over the target's states": async () => always(await overStates()),
  "heads over the target's states": async () => always(await heads()),
  "heads and the target's own weights, asked as one": async () => {
    const first = reading(openPart(engine, { blocks: layersOf(0, 2) }, DRAFT));
    return always(new JointNetwork([await first, await heads()]));
  },
  'heads and a layer, asked as one': async () =>
    always(new JointNetwork([await heads(), await overStates()])),
  'two networks asked as one': async () => {
    const first = reading(openPart(engine, { blocks: layersOf(0, 2) }, DRAFT));
    return always(new JointNetwork([await overStates(), await first]));
  },
  'prompt tokens': () => always(new PromptNetwork('ppd', PLACES, 96)),
  'prompt tokens and networks asked as one': async () => {
    const first = reading(openPart(engine, { blocks: layersOf(0, 2) }, DRAFT));
    const prompts = new PromptNetwork('ppd', PLACES, 96);
    return always(new JointNetwork([prompts, await overStates(), await first]));
  },
  'a network that lies': () => always(liar),
  'a saboteur': () => sabotage,
};

/** All turns at once. */
function answers(drafters: LocalDrafters | null, temperature: number) {
  return decodeAtOnce(engine, TURNS, TOKENS, drafters, temperature);
}

test('a network that always fails changes nothing, and is soon left alone', async () => {
  const failing = new ScriptedNetwork(96, () => []);
  failing.during = () => {
    throw new Error('no memory');
  };
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => {});
  const drafted = await answers(always(failing), 0);
  complaints.mockRestore();
  expect(failing.runs).toHaveLength(3);
  expect(failing.places).toBe(0);
  expect(drafted.texts).toEqual((await answers(null, 0)).texts);
});

describe.each([0, 0.9])('at temperature %d', (temperature) => {
  test.each(Object.keys(DRAFTERS))('%s changes nothing', async (name) => {
    const plain = await answers(null, temperature);
    expect(plain.texts[0]).toHaveLength(TOKENS);
    const complaints = vi.spyOn(console, 'error');
    const heard = vi.spyOn(Prompting.prototype, 'hear');
    const drafted = await answers(await DRAFTERS[name]!(), temperature);
    expect(complaints).not.toHaveBeenCalled();
    complaints.mockRestore();
    expect(drafted.texts).toEqual(plain.texts);
    const { length } = heard.mock.calls;
    heard.mockRestore();
    // Beside its own weights the target is through after a few steps.
    expect(length > 5).toBe(name.startsWith('prompt tokens'));
    // It really drafts: of its own weights the target accepts nearly all.
    if (name === "the target's own weights") expect(drafted.steps).toBeLessThan(plain.steps / 2);
  });
});
