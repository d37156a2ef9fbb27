/** `espalier model check --text` says what a stored form costs. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LikenessTally } from '../../gpu-backend/cli/likeness.ts';
import { runModelCommand } from '../../gpu-backend/cli/model.ts';
import { BUNDLED, temporaryFolder } from './models.ts';
import { randomCheckpoint } from './random-checkpoint.ts';

const folder = temporaryFolder();
const text = join(folder, 'text.md');
writeFileSync(
  text,
  'The verifier checks the whole tree in one forward pass and returns the accepted prefix. '.repeat(
    9,
  ),
);
const printed: string[] = [];

beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
});
afterEach(() => vi.restoreAllMocks());

describe('npx espalier model check --text', () => {
  async function check(...options: string[]) {
    const common = ['--text', text, '--tokens', '100', '--cache', folder];
    expect(await runModelCommand(['check', BUNDLED, ...common, ...options])).toBe(0);
    const [, before, after] = /([\d.]+) → ([\d.]+)/.exec(printed[1]!)!.map(Number);
    const [divergence, agreement] = printed.slice(2).map((line) => Number(/[\d.]+/.exec(line)![0]));
    return { before: before!, after: after!, divergence: divergence!, agreement: agreement! };
  }

  it('finds float32 equal to itself', async () => {
    const { before, after, divergence, agreement } = await check('--quantize', 'none');
    expect(printed[0]).toMatch(/as none against float32, 99 tokens$/);
    expect(before).toBeGreaterThan(1);
    expect({ after, divergence, agreement }).toEqual({
      after: before,
      divergence: 0,
      agreement: 100,
    });
  });

  it.each(['int8', 'int4'])('finds %s near', async (form) => {
    const { before, after, divergence, agreement } = await check('--quantize', form);
    expect(divergence).toBeGreaterThan(0);
    expect(divergence).toBeLessThan(form === 'int8' ? 0.02 : 0.4);
    expect(Math.abs(Math.log(after / before))).toBeLessThan(form === 'int8' ? 0.02 : 0.4);
    expect(agreement).toBeGreaterThan(form === 'int8' ? 90 : 60);
  });

  it('reads a text in windows as long as a short context', async () => {
    const short = join(folder, 'short');
    cpSync(BUNDLED, short, { recursive: true });
    rmSync(join(short, 'manifest.json'));
    const file = join(short, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...config, max_position_embeddings: 24 }));
    const common = ['--text', text, '--tokens', '100', '--cache', folder, '--quantize', 'int8'];
    expect(await runModelCommand(['check', short, ...common])).toBe(0);
    // A window's last token is followed by none: 24, 24, 24, 24 and 4.
    expect(printed[0]).toMatch(/against float32, 95 tokens$/);
  });

  it('refuses a tokenizer that is larger than the model', async () => {
    const small = join(folder, 'small');
    randomCheckpoint(small, {
      architecture: 'LlamaForCausalLM',
      heads: 4,
      kvHeads: 2,
      headDim: 16,
      maxPositions: 256,
    });
    cpSync(join(BUNDLED, 'tokenizer.json'), join(small, 'tokenizer.json'));
    const command = runModelCommand(['check', small, '--text', text, '--cache', folder]);
    await expect(command).rejects.toThrow(/tokenizer.json gives the token \d+ of 96/);
  });

  it('refuses a text of no two tokens', async () => {
    const empty = join(folder, 'empty.txt');
    writeFileSync(empty, '');
    const command = runModelCommand(['check', BUNDLED, '--text', empty, '--cache', folder]);
    await expect(command).rejects.toThrow(/no two tokens/);
  });
});

it('likeness is what its definitions say', () => {
  const tally = new LikenessTally(2);
  // p = (¾, ¼) and q = (½, ½), then equal ones; the last row is followed by nothing.
  const log = Math.log;
  tally.add(
    Float32Array.of(log(3), 0, 0, log(3), 9, 9),
    Float32Array.of(0, 0, 0, log(3), 9, 9),
    [0, 1],
  );
  const { positions, reference, perplexity, divergence, agreement } = tally.found();
  expect(positions).toBe(2);
  expect(reference).toBeCloseTo(4 / 3, 5);
  expect(perplexity).toBeCloseTo(Math.sqrt(2 * (4 / 3)), 5);
  expect(divergence).toBeCloseTo((0.75 * log(1.5) + 0.25 * log(0.5)) / 2, 5);
  expect(agreement).toBe(1);
});
