/** `espalier model check --exact` tells an exact engine from one that is not. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkExact } from '../../gpu-backend/cli/exact-check.ts';
import { runModelCommand } from '../../gpu-backend/cli/model.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import { SMALL, temporaryFolder } from './models.ts';
import { randomCheckpoint } from './random-checkpoint.ts';

const cacheFolder = temporaryFolder();
const CHECK = { trees: 6, seed: 2, onProgress: () => {} };
const printed: string[] = [];

beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
});
afterEach(() => vi.restoreAllMocks());

function check(model: string, settings: EngineOptions): Promise<number> {
  return checkExact(model, { cacheFolder, compute: 'float32' }, settings, CHECK);
}

/** nodes, equal and largest difference of a line. */
function figures(line: string | undefined): number[] {
  const match = /nodes (\d+), equal (\d+), largest difference (\S+)$/.exec(line ?? '');
  return (match?.slice(1) ?? []).map(Number);
}

/** The form that a model is served in on a CPU. */
const SERVED = { provider: 'cpu', quantization: 'none', compute: 'float32', attention: 'exact' };

/** Of the model that was checked last. */
function manifestFile(): string {
  return join(cacheFolder, 'models', printed[0]!.split(',')[0]!, 'manifest.json');
}

function readManifest() {
  return JSON.parse(readFileSync(manifestFile(), 'utf8'));
}

function noteAs(exact: unknown): void {
  writeFileSync(manifestFile(), JSON.stringify({ ...readManifest(), exact }));
}

async function claimsExact(): Promise<boolean> {
  const engine = await openEngine(dirname(manifestFile()), { cacheFolder });
  try {
    return engine.limits.exact;
  } finally {
    engine.close();
  }
}

describe('npx espalier model check --exact', () => {
  it.each(['int4', 'int8', undefined])('passes what is exact: %s', async (quantize) => {
    const format = quantize ? ['--quantize', quantize] : [];
    const common = ['--exact', '--trees', '6', '--cache', cacheFolder];
    expect(await runModelCommand(['check', SMALL, ...common, ...format])).toBe(0);
    const [nodes, equal, difference] = figures(printed[1]);
    expect(nodes).toBeGreaterThan(50);
    expect([equal, difference]).toEqual([nodes, 0]);
    expect(printed.at(-1)).toBe('exact');
    const { exact, quantization } = readManifest();
    expect(exact).toEqual([{ ...SERVED, quantization: quantize ?? quantization, passed: true }]);
  });

  it('fails what is not, and notes it for that form of attention alone', async () => {
    expect(await check(SMALL, { attention: 'fused' })).toBe(1);
    const [nodes, equal, difference] = figures(printed[1]);
    expect(equal).toBeLessThan(nodes!);
    expect(difference).toBeGreaterThan(0);
    expect(printed.at(-1)).toBe('NOT EXACT');
    expect(readManifest().exact).toContainEqual({ ...SERVED, attention: 'fused', passed: false });
    expect(await claimsExact()).toBe(true);
  });

  it('is heeded by an engine in the same form, and no other', async () => {
    await check(SMALL, {});
    noteAs([{ ...SERVED, passed: false }]);
    expect(await claimsExact()).toBe(false);
    const others = [
      { provider: 'cuda' },
      { quantization: 'int4' },
      { compute: 'float16' },
      { attention: 'fused' },
    ];
    noteAs(others.map((other) => ({ ...SERVED, ...other, passed: false })));
    expect(await claimsExact()).toBe(true);
    // As it was noted once.
    noteAs({ provider: 'cpu', passed: false });
    expect(await claimsExact()).toBe(true);
  });

  it('takes the place of an earlier one in the same form', async () => {
    await check(SMALL, {});
    const [fused, int4] = [{ attention: 'fused' }, { quantization: 'int4' }].map((other) => ({
      ...SERVED,
      ...other,
      passed: false,
    }));
    noteAs([fused, { ...SERVED, passed: false }, int4]);
    expect(await check(SMALL, {})).toBe(0);
    expect(readManifest().exact).toEqual([fused, int4, { ...SERVED, passed: true }]);
    expect(await claimsExact()).toBe(true);
  });

  it('leaves an earlier one where it is broken off', async () => {
    await check(SMALL, {});
    noteAs([{ ...SERVED, passed: false }]);
    const onProgress = () => {
      throw new Error('broken off');
    };
    const add = { cacheFolder, compute: 'float32' } as const;
    await expect(checkExact(SMALL, add, {}, { ...CHECK, onProgress })).rejects.toThrow(
      'broken off',
    );
    expect(readManifest().exact).toEqual([{ ...SERVED, passed: false }]);
    expect(await claimsExact()).toBe(false);
  });

  it('breaks the rule of panels as a control, which fails', async () => {
    const model = randomCheckpoint(join(cacheFolder, 'long'), {
      architecture: 'LlamaForCausalLM',
      heads: 4,
      kvHeads: 2,
      headDim: 32,
      maxPositions: 2048,
    });
    expect(await check(model, {})).toBe(0);
    const [nodes, equal, difference] = figures(printed[2]);
    expect(printed[2]).toMatch(/^control/);
    expect(equal).toBeLessThan(nodes!);
    expect(difference).toBeGreaterThan(0);
  });

  it('takes contexts that are shorter than its trees', async () => {
    const shape = { architecture: 'LlamaForCausalLM', heads: 4, kvHeads: 2, headDim: 16 } as const;
    const short = (maxPositions: number) =>
      randomCheckpoint(join(cacheFolder, `short-${maxPositions}`), { ...shape, maxPositions });
    for (const maxPositions of [4, 16, 64]) expect(await check(short(maxPositions), {})).toBe(0);
    await expect(check(short(3), {})).rejects.toThrow(/context of 3 tokens has no room for a tree/);
  });

  it('says what is wrong with its numbers', async () => {
    const run = runModelCommand(['check', SMALL, '--exact', '--trees', 'many']);
    await expect(run).rejects.toThrow('--trees must be a whole number above 0, not "many"');
  });
});
