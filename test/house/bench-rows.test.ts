/** Every command of bench:drafters in the documentation asks for rows that there are with its networks. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { namesOf } from '../../bench/drafters/rows.ts';
import { writeSafetensors } from '../../gpu-backend/builder/safetensors-writer.ts';
import { ROOT } from '../../local/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'espalier-rows-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PAGES = [
  ...readdirSync(join(ROOT, 'docs')).map((name) => join(ROOT, 'docs', name)),
  join(ROOT, 'bench/results/README.md'),
];

/** Whole commands: those that name their model. */
const COMMANDS = PAGES.flatMap((page) => {
  const text = readFileSync(page, 'utf8').replaceAll('\\\n', ' ');
  return [...text.matchAll(/npm run (?:-s )?bench:drafters -- --model [^`\n]+/g)].map(
    ([line]) => line,
  );
});

/** A file of a trained drafter that says its kind and nothing else, by the name that the documentation gives it. */
function network(name: string): string {
  const kind = /^(\w+)\.safetensors$/.exec(basename(name))?.[1];
  if (kind === undefined) return name;
  const file = join(folder, basename(name));
  writeSafetensors(file, [], 'F16', () => [], { kind });
  return file;
}

const listed = (line: string, option: string) =>
  new RegExp(`--${option} (\\S+)`).exec(line)?.[1]?.split(',') ?? [];

test('there are such commands', () => expect(COMMANDS.length).toBeGreaterThan(6));

test.each(COMMANDS)('%s', (line) => {
  const named = listed(line, 'draft');
  // The layer in models/heads, where nothing is named.
  const names = (named.length > 0 ? named : ['feature.safetensors']).map(network);
  for (const row of [...listed(line, 'rows'), ...listed(line, 'free')]) {
    expect(() => namesOf(row, names)).not.toThrow();
  }
});
