/** docs/systems.md names every system that this project answers to, with files, commands, fields and figures that are there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { speculationSchema } from '../../src/api/answers/speculation-fields.ts';
import { KEPT_FIGURES } from './kept-figures.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const page = read('docs/systems.md');

/** Cells of every row under a header `system | here | file | …`. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| system'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

const SYSTEMS = [
  'RASD',
  'RAPID',
  'Token Recycling',
  'ADED',
  'REST',
  'SuffixDecoding',
  'ArcticInference',
  'SAM-Decoding',
  'SGLang',
  'vLLM',
  'Prompt lookup',
  'LogitSpec',
  'EAGLE',
  'SpecInfer',
  'SpecTr',
  'RSD',
  'Optimal Multi-draft',
  'DySpec',
  'Sequoia',
  'SpecDec++',
  'PPD',
  'PEARL',
  'Online Speculative Decoding',
  'Dovetail',
  'FastDraft',
  'DistillSpec',
  'FSPAD',
  'S2D',
  'Superposed Decoding',
  'Kangaroo',
  'SWIFT',
  'Hydra',
  'Chimera',
  'Falcon',
  'EasySpec',
  'Medusa',
  'LANTERN',
  'Judge Decoding',
  'Token-level retrieval metrics',
  'Qtok',
  'FRANC',
  'AutoPatent',
];

test('every system has a row, with all its cells', () => {
  const named = rows.map(([system]) => system!).join('\n');
  expect(SYSTEMS.filter((system) => !named.includes(system))).toEqual([]);
  expect(rows.filter((cells) => cells.length !== 5 || cells.includes(''))).toEqual([]);
});

const { scripts } = JSON.parse(read('package.json'));
/** What `npx espalier` and `npx espalier model` understand. */
const COMMANDS = ['bin/cli.ts', 'gpu-backend/cli/model.ts', 'bin/store/command.ts']
  .map(read)
  .join();

/** The commands that a text names, and whether each is there. */
function commandsIn(text: string): { command: string; there: boolean }[] {
  return [...text.matchAll(/(npm run|npx espalier|python) ([\w:./-]+(?: [a-z]+)?)/g)].map(
    ([command, runner, what]) => {
      const name = what!.split(' ')[0]!;
      const there = {
        'npm run': name in scripts,
        'npx espalier': COMMANDS.includes(command),
        python: existsSync(join(ROOT, name)),
      }[runner as 'npm run'];
      return { command, there };
    },
  );
}

test('every figure has a number, and a command that prints it', () => {
  const bare = rows.filter(([, , , reached, figure]) => {
    return !/\d/.test(figure!) || commandsIn(`${reached} ${figure}`).length === 0;
  });
  expect(bare.map(([system]) => system)).toEqual([]);
});

/** Whether a text has the figure, and not as a part of a longer number. */
function says(text: string, figure: string): boolean {
  const plain = figure.replace(/[.+]/g, '\\$&');
  return new RegExp(`(?<![\\d.])${plain}(?!\\.?\\d)`).test(text);
}

test.each(Object.entries(KEPT_FIGURES))('the row of %s has its kept figures', (system, figures) => {
  const row = rows.find(([name]) => name!.startsWith(system));
  for (const figure of figures()) expect(says(row![4]!, figure), figure).toBe(true);
});

test('a row that links to what is kept has its figures from there', () => {
  const linking = rows.filter(([, , , , figure]) => figure!.includes('](../bench/results/'));
  expect(linking.length).toBeGreaterThan(8);
  const loose = linking.filter(
    ([system]) => !Object.keys(KEPT_FIGURES).some((name) => system!.startsWith(name)),
  );
  // Its figures are a simulation's; the link is to what was measured beside it.
  expect(loose.map(([system]) => system!.split(' ')[0])).toEqual(['Sequoia']);
});

test('every field of a request that a row names is taken', () => {
  const fields = [...page.matchAll(/`speculation\.([\w.]+)(?:: "([\w-]+)")?`/g)];
  expect(fields.length).toBeGreaterThan(8);
  for (const [name, path, value] of fields) {
    const request = path!
      .split('.')
      .reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
    expect(v.safeParse(speculationSchema, request).success, name).toBe(true);
  }
  expect(v.safeParse(speculationSchema, { nonsense: undefined }).success).toBe(false);
});

test('every setting that a row names is read by the verifier', () => {
  const sources = readdirSync(join(ROOT, 'gpu-backend'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
    .map((path) => read(`gpu-backend/${path}`))
    .join('\n');
  const settings = [...page.matchAll(/`(ESPALIER_\w+)/g)].map(([, name]) => name!);
  expect(settings.length).toBeGreaterThan(3);
  const unread = settings.filter(
    (name) => !new RegExp(`env(ironment)?\\.${name}\\b`).test(sources),
  );
  expect(unread).toEqual([]);
});

test('every file and every command that a row names is there', () => {
  expect(rows.filter(([, , file]) => !file!.includes('`'))).toEqual([]);
  const files = rows.flatMap(([, , file]) =>
    [...file!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!),
  );
  expect(files.length).toBeGreaterThan(30);
  expect(files.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  const commands = commandsIn(page);
  expect(commands.length).toBeGreaterThan(30);
  expect(commands.filter(({ there }) => !there)).toEqual([]);
});

test('every heading that a row links to is there', () => {
  const links = [...page.matchAll(/\]\(([\w-]+\.md)(?:#([\w-]+))?\)/g)];
  expect(links.length).toBeGreaterThan(20);
  for (const [, file, anchor] of links) {
    const headings = read(`docs/${file}`)
      .split('\n')
      .filter((line) => line.startsWith('#'))
      .map((line) =>
        line
          .replace(/^#+ /, '')
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
      );
    if (anchor) expect(headings, `${file} has #${anchor}`).toContain(anchor);
  }
});
