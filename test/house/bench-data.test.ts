/** Benchmarks take other people's data from the folder that ESPALIER_BENCH_DATA names, and from no other. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { benchData } from '../../bench/data-folder.ts';
import { defaultFolder } from '../../bench/replay/traces.ts';
import { readQuestions } from '../../bench/retrieval/questions.ts';

afterEach(() => vi.unstubAllEnvs());

test('without a folder the bundled recordings are replayed, and our docs alone are asked about', () => {
  vi.stubEnv('ESPALIER_BENCH_DATA', '');
  expect(defaultFolder()).toMatch(/bench\/data\/replay$/);
  expect(readQuestions()).toBeNull();
});

test('a named folder is taken from as far as it goes, and must be there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-bench-data-'));
  mkdirSync(join(folder, 'replay'));
  vi.stubEnv('ESPALIER_BENCH_DATA', folder);
  expect(defaultFolder()).toBe(join(folder, 'replay'));
  expect(benchData('docs/docs-train.tar.gz')).toBeUndefined();
  rmSync(folder, { recursive: true });
  expect(defaultFolder).toThrow(`ESPALIER_BENCH_DATA names ${folder}`);
});
