/** `espalier model check --exact` tells an exact engine from one that is not. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

async function claimsExact(folder: string): Promise<boolean> {
  const engine = await openEngine(folder, { cacheFolder });
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
    const folder = join(cacheFolder, 'models', printed[0]!.split(',')[0]!);
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    expect(manifest.exact).toEqual({ provider: 'cpu', passed: true });
  });

  it('fails what is not, which an engine on that provider heeds, and no other', async () => {
    expect(await check(SMALL, { attention: 'fused' })).toBe(1);
    const [nodes, equal, difference] = figures(printed[1]);
    expect(equal).toBeLessThan(nodes!);
    expect(difference).toBeGreaterThan(0);
    expect(printed.at(-1)).toBe('NOT EXACT');

    const folder = join(cacheFolder, 'models', printed[0]!.split(',')[0]!);
    const file = join(folder, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    expect(manifest.exact).toEqual({ provider: 'cpu', passed: false });
    expect(await claimsExact(folder)).toBe(false);
    writeFileSync(
      file,
      JSON.stringify({ ...manifest, exact: { provider: 'cuda', passed: false } }),
    );
    expect(await claimsExact(folder)).toBe(true);
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

  it('says what is wrong with its numbers', async () => {
    const run = runModelCommand(['check', SMALL, '--exact', '--trees', 'many']);
    await expect(run).rejects.toThrow('--trees must be a whole number above 0, not "many"');
  });
});
