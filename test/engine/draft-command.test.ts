/** `npx espalier draft train`: what it says without Python's packages, and what it hands to the recipe. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addModel } from '../../gpu-backend/builder/add-model.ts';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { readSafetensorsFile } from '../../gpu-backend/builder/safetensors.ts';
import { readRows } from '../../gpu-backend/builder/tensor-reader.ts';
import { readWeightIndex } from '../../gpu-backend/builder/weight-index.ts';
import { runDraftCommand } from '../../gpu-backend/cli/draft.ts';
import { ROOT } from '../../local/root.ts';
import { maxDifference } from './driver.ts';
import { goldenCheckpoints, PLAIN_ROPE, temporaryFolder } from './models.ts';

const HERE = import.meta.dirname;
/** Of logits: the recipe reads weights that are rounded to float16. */
const MOST_DIFFERENCE = 5e-3;
const cacheFolder = temporaryFolder();
const printed: string[] = [];
beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
});
afterEach(() => vi.restoreAllMocks());

/** A program in Python's place that writes down what it is given, and ends with `status`. */
function program(status: number): string {
  const file = join(cacheFolder, `python-${status}`);
  const code = `#!/bin/sh\n[ "$1" = -c ] && exit 0\nprintf '%s\\n' "$@" > ${file}.given\nexit ${status}\n`;
  writeFileSync(file, code);
  chmodSync(file, 0o755);
  return file;
}

/** What the recipe's scripts take alike. */
const SHARED = ['answers.py', 'trainer.py'].map((name) => join(ROOT, 'models/recipe', name));

/** What comes after `npx espalier draft train` wherever it is a whole command. */
function documented(): string[] {
  const pages = readdirSync(join(ROOT, 'docs')).map((name) => join(ROOT, 'docs', name));
  return pages.flatMap((page) => {
    const text = readFileSync(page, 'utf8');
    return [...text.matchAll(/npx espalier draft train ([^`\n[]+)(?=[`\n])/g)].map(
      ([, rest]) => rest!,
    );
  });
}

const trainFor = (model: string, python: string, ...more: string[]) =>
  runDraftCommand(['train', model, '--cache', cacheFolder, '--python', python, ...more]);
const train = trainFor.bind(null, PLAIN_ROPE);

describe('npx espalier draft train', () => {
  it('says how to get what it needs', async () => {
    await expect(train('/bin/false')).rejects.toThrow(/\/bin\/false lacks some.*pip install torch/);
    await expect(train('/no/python')).rejects.toThrow(/\/no\/python was not found/);
  });

  it('hands the recipe a checkpoint of the very model, and says how to use what was made', async () => {
    const python = program(0);
    const options = ['--text', 'docs', '--out', 'made.safetensors', '--', '--train-minutes', '3'];
    expect(await train(python, ...options)).toBe(0);
    const given = readFileSync(`${python}.given`, 'utf8').trim().split('\n');
    const folder = given[2]!;
    expect(given[0]).toMatch(/models\/recipe\/feature\.py$/);
    expect(given.slice(3)).toEqual([
      ...['--out', 'made.safetensors', '--text', 'docs', '--train-minutes', '3'],
    ]);
    expect(printed.at(-1)).toMatch(/ESPALIER_MODEL=\S+ ESPALIER_DRAFT=made.safetensors npm start/);
    const [own, written] = [readWeightIndex(PLAIN_ROPE), readWeightIndex(folder)];
    expect([...written.keys()].sort()).toEqual([...own.keys()].sort());
    for (const [name, tensor] of own) {
      const values = [...readRows(tensor)].flatMap((rows) => [...rows]);
      const again = [...readRows(written.get(name)!)].flatMap((rows) => [...rows]);
      expect(maxDifference(values, again)).toBeLessThan(2e-3);
    }
    // What is trained says whose it is by this: it must be the served model's.
    const { manifest } = readModelFolder(folder);
    expect(manifest.fingerprints.weights).toBe(
      readModelFolder(PLAIN_ROPE).manifest.fingerprints.weights,
    );
  });

  it('leaves a model in the form that it was added in', async () => {
    const file = join(HERE, 'gguf/fixtures/mistral-f16.gguf');
    const options = { cacheFolder, compute: 'float32', quantization: 'auto' } as const;
    const added = await addModel(file, options);
    expect(added.manifest.quantization).toBe('int8');
    expect(await trainFor(file, program(0))).toBe(0);
    expect(readModelFolder(added.path)).toEqual(added);
    expect(printed.at(-1)).toContain(`ESPALIER_MODEL=${added.path} `);
  });

  it('trains a small model into a folder, and says how a worker gets it', async () => {
    const python = program(0);
    expect(await train(python, '--kind', 'model')).toBe(0);
    const given = readFileSync(`${python}.given`, 'utf8').trim().split('\n');
    expect(given[0]).toMatch(/models\/recipe\/small_model\.py$/);
    const { name } = readModelFolder(given[2]!).manifest;
    expect(given.slice(3)).toEqual(['--out', `draft-${name}`]);
    expect(printed.at(-1)).toContain(`npx espalier draft add draft-${name}`);
  });

  it('searches for blocks to draft without', async () => {
    const python = program(0);
    expect(await train(python, '--kind', 'swift', '--', '--shares', '0.4')).toBe(0);
    const given = readFileSync(`${python}.given`, 'utf8').trim().split('\n');
    expect(given[0]).toMatch(/models\/recipe\/skip_layers\.py$/);
    const { name } = readModelFolder(given[2]!).manifest;
    const out = `swift-${name}.safetensors`;
    expect(given.slice(3)).toEqual(['--out', out, '--shares', '0.4']);
    expect(printed.at(-1)).toMatch(new RegExp(`ESPALIER_DRAFT=${out} npm start`));
  });

  it('takes every command that the documentation gives', async () => {
    const python = program(0);
    const commands = documented();
    expect(commands.length).toBeGreaterThan(5);
    for (const command of commands) {
      const [source, ...options] = command.split(' ');
      expect(source, command).toMatch(/^[\w/]/);
      expect(await train(python, ...options), command).toBe(0);
      const [script, ...given] = readFileSync(`${python}.given`, 'utf8').trim().split('\n');
      const recipe = [script!, ...SHARED].map((file) => readFileSync(file, 'utf8')).join();
      for (const option of given.filter((one) => one.startsWith('--'))) {
        expect(recipe, command).toContain(`'${option}'`);
      }
    }
  });

  it('fails where the recipe fails, and refuses a kind that there is not', async () => {
    expect(await train(program(3), '--kind', 'kangaroo')).toBe(3);
    await expect(train(program(0), '--kind', 'heads')).rejects.toThrow(
      '--kind must be feature, hydra, kangaroo, ppd, swift or model, not "heads"',
    );
  });

  // Python with torch, as `draft train` needs.
  const python = process.env.ESPALIER_TEST_PYTHON;
  it.skipIf(!python)(
    `computes every family as it is, scaled rotary embeddings too${python ? '' : ': skipped, no ESPALIER_TEST_PYTHON'}`,
    async () => {
      const recorder = program(6);
      const pairs: string[] = [];
      for (const checkpoint of goldenCheckpoints()) {
        await trainFor(checkpoint, recorder);
        const folder = readFileSync(`${recorder}.given`, 'utf8').trim().split('\n')[2]!;
        pairs.push(folder, join(checkpoint, 'golden.json'));
      }
      const args = [join(HERE, 'recipe_logits.py'), join(ROOT, 'models/recipe'), ...pairs];
      const differences = execFileSync(python!, args, { encoding: 'utf8' }).trim().split('\n');
      expect(differences).toHaveLength(pairs.length / 2);
      for (const difference of differences)
        expect(Number(difference)).toBeLessThan(MOST_DIFFERENCE);
    },
  );

  it.skipIf(!python)(
    `asks a target what it asks itself${python ? '' : ': skipped, no ESPALIER_TEST_PYTHON'}`,
    () => {
      const args = [join(HERE, 'recipe_questions.py'), join(ROOT, 'models/recipe')];
      expect(execFileSync(python!, args, { encoding: 'utf8' })).toContain('limits of options');
    },
  );

  it.skipIf(!python)(
    `trains heads from nothing${python ? '' : ': skipped, no ESPALIER_TEST_PYTHON'}`,
    async () => {
      const out = join(cacheFolder, 'hydra.safetensors');
      const brief = ['--write-minutes', '0.3', '--write-batch', '24', '--train-minutes', '0.03'];
      const own = ['--own-share', '1', '--threads', '1'];
      const target = join(ROOT, 'models/target');
      const options = ['--kind', 'hydra', '--out', out, '--', ...brief, ...own];
      expect(await trainFor(target, python!, ...options)).toBe(0);
      const { metadata } = readSafetensorsFile(out);
      expect(metadata).toMatchObject({ kind: 'hydra', places: '4' });
      expect(Number(metadata.agrees)).toBeGreaterThan(0.02);
    },
    120_000,
  );
});
