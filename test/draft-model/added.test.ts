/**
 * `npx espalier draft add`, and the real worker for a target of another tokenizer than
 * the bundled draft's: the draft is found, drafts, and changes nothing of what is said.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { streamChat } from '../../bench/stream-chat.ts';
import { buildDraft } from '../../bin/add-draft.ts';
import { readDecoderConfig } from '../../gpu-backend/builder/config.ts';
import { fingerprintModel } from '../../gpu-backend/builder/fingerprint.ts';
import { deriveManifest } from '../../gpu-backend/builder/model-folder.ts';
import { ROOT } from '../../local/root.ts';
import { MAX_DRAFT_CACHE_BYTES } from '../../src/generate/draft-model/draft-memory.ts';
import { randomCheckpoint } from '../engine/random-checkpoint.ts';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { type DerivedModel, deriveModel } from '../support/derived-model.ts';
import { TARGET } from '../support/model-server.ts';
import { startService, type TestService } from '../support/service.ts';

const QUESTIONS: string[] = JSON.parse(readFileSync(join(ROOT, 'web/demo/questions.json'), 'utf8'));
const { chat_template: TEMPLATE } = JSON.parse(
  readFileSync(join(TARGET, 'tokenizer_config.json'), 'utf8'),
);
const DRAFT = join(ROOT, 'models/draft');

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-draft-test-'));
  folders.push(folder);
  return folder;
}

/** The bundled draft's weights with another tokenizer.json. */
function draftWith(tokenizer: string): string {
  const folder = join(temporary(), 'small draft');
  cpSync(DRAFT, folder, { recursive: true });
  cpSync(tokenizer, join(folder, 'tokenizer.json'));
  return folder;
}

describe('the worker’s form of a model', () => {
  const head = { architecture: 'LlamaForCausalLM', heads: 2, kvHeads: 2 } as const;
  const size = { hidden: 64, intermediate: 96, vocabulary: 6144, layers: 1, tied: true };
  /** Of random weights, with the bundled tokenizer. */
  function random(shape: { headDim: number; maxPositions: number }, more: Partial<typeof size>) {
    const folder = randomCheckpoint(
      join(temporary(), 'random'),
      { ...head, ...shape },
      { ...size, ...more },
    );
    cpSync(join(TARGET, 'tokenizer.json'), join(folder, 'tokenizer.json'));
    return folder;
  }
  const shape = { headDim: 32, maxPositions: 512 };

  test('is found by its tokenizer, under the hash of its graph', async () => {
    const { record, graph } = await buildDraft(draftWith(join(TARGET, 'tokenizer.json')), 2);
    expect(record).toMatchObject({
      layers: 2,
      vocabSize: 6144,
      positions: 2048,
      tokenizer: fingerprintModel(TARGET).tokenizer,
      graph: createHash('sha256').update(graph).digest('hex'),
      bytes: graph.length,
    });
  });

  test('leaves out tokens that the tokenizer does not have, and positions for which there is no memory', async () => {
    const wide = { headDim: 512, maxPositions: 4096 };
    const { record } = await buildDraft(random(wide, { vocabulary: 6200 }));
    const positions = Math.floor(MAX_DRAFT_CACHE_BYTES / (2 * 4 * 2 * 512));
    expect(record).toMatchObject({ vocabSize: 6144, positions });
  });

  test.each([
    [
      'a table too large',
      () => random(shape, { hidden: 2048, intermediate: 8 }),
      'too large for the worker',
    ],
    [
      'layers too large',
      () => random(shape, { vocabulary: 512, intermediate: 33_000, layers: 2 }),
      'add fewer layers of it',
    ],
    [
      'keys and values too wide',
      () => random({ ...shape, headDim: 2048 }, { hidden: 16, vocabulary: 512 }),
      'keys and values of random take',
    ],
    [
      'no tokenizer',
      () => randomCheckpoint(join(temporary(), 'nameless'), { ...head, ...shape }),
      'has no tokenizer.json',
    ],
    ['no checkpoint', () => join(ROOT, 'docs'), 'no config.json'],
  ])('%s is refused', async (_, make, said) => {
    await expect(buildDraft(make())).rejects.toThrow(said);
  });

  test('more layers than there are are refused', async () => {
    await expect(buildDraft(DRAFT, 4)).rejects.toThrow('the model has 3 layers');
  });
});

describe('the command line', () => {
  function draftAdd(...args: string[]) {
    const command = ['bin/espalier.mjs', 'draft', 'add', ...args];
    return spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
  }

  test.each(['abc', '0', '1.5'])('--layers %s is refused by its name', (layers) => {
    const { status, stderr } = draftAdd('models/draft', '--layers', layers, '--state', temporary());
    expect(stderr).toBe(`--layers must be a whole number above 0, not "${layers}"\n`);
    expect(status).toBe(1);
  });

  test('--help tells its options', () => {
    const { status, stdout } = draftAdd('--help');
    expect(stdout).toContain('npx espalier draft add FOLDER | FILE.gguf | OWNER/NAME | SHORT-NAME');
    expect(status).toBe(0);
  });
});

/** With a manifest its weights stay as they are; else they would be quantised. */
function keepWeights(folder: string): void {
  const manifest = deriveManifest(folder, readDecoderConfig(folder));
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
}

describe('a target of another tokenizer', () => {
  let model: DerivedModel;
  let service: TestService;
  startedOnesAlwaysDraft();
  beforeAll(async () => {
    model = deriveModel(TEMPLATE, ['⊕']);
    keepWeights(model.folder);
    const draft = draftWith(join(model.folder, 'tokenizer.json'));
    service = await startService({
      demo: false,
      model: model.folder,
      // Before the worker first asks R2, as it asks again after a minute only.
      prepare(databases) {
        const args = ['bin/espalier.mjs', 'draft', 'add', draft, '--state', databases];
        execFileSync(process.execPath, args, { cwd: ROOT });
      },
    });
  });
  afterAll(async () => {
    await service?.stop();
    model?.remove();
  });

  async function ask(question: string, temperature: number, speculation: object) {
    const { text, finish, usage } = await streamChat(service.url, {
      messages: [{ role: 'user', content: question }],
      temperature,
      seed: 7,
      max_tokens: 80,
      speculation: { stats: true, memory: false, ...speculation },
    });
    return { text, finish, stats: usage.speculation! };
  }

  test('/health names the draft that was added', async () => {
    const health = await (await fetch(`${service.url}/health`)).json();
    expect(health).toMatchObject({
      draft_model: { state: 'ready', id: 'espalier-tiny-draft', source: 'r2' },
    });
  });

  test.each([0, 0.8])('at temperature %f it drafts, and says what is said without', async (t) => {
    let own = 0;
    for (const question of QUESTIONS.slice(0, 4)) {
      const plain = await ask(question, t, { mode: 'off' });
      const alone = { trees: 'lockstep', draft_model: 'alone' };
      const drafted = await ask(question, t, { ablation: alone });
      expect([drafted.text, drafted.finish]).toEqual([plain.text, plain.finish]);
      own += drafted.stats.by_source.draft ?? 0;
    }
    expect(own).toBeGreaterThan(10);
  });
});
