/** Every command tells its help, and what it can't read or lacks, in words. */
import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';

const ESPALIER = ['bin/espalier.mjs'];
const BUILD_DRAFT = ['--import', 'tsx', 'gpu-backend/cli/edge.ts'];
const TRAIN_JUDGE = ['--import', 'tsx', 'bin/judge/main.ts'];

/** No program listens there. */
const NOBODY = 'http://127.0.0.1:2';

interface Said {
  code: number;
  text: string;
}

function run(program: readonly string[], line: string): Promise<Said> {
  const args = [...program, ...line.split(' ').filter(Boolean)];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr });
    });
  });
}

const STACK = /^ +at .+:\d+:\d+\)?$/m;

const COMMANDS: [program: readonly string[], command: string, help: string][] = [
  [ESPALIER, 'key create', 'npx espalier key create --tenant NAME'],
  [ESPALIER, 'embedder add', 'npx espalier embedder add FOLDER'],
  [ESPALIER, 'store report', 'npx espalier store report ID --questions FILE'],
  [ESPALIER, 'model add', 'npx espalier model check SOURCE --exact'],
  [ESPALIER, 'model report', 'npx espalier model report FOLDER'],
  [ESPALIER, 'model neighbours', 'npx espalier model neighbours FOLDER'],
  [ESPALIER, 'draft add', 'npx espalier draft add FOLDER'],
  [ESPALIER, 'draft train', 'npx espalier draft train MODEL'],
  [BUILD_DRAFT, '', 'npm run build:draft [-- FOLDER]'],
  [TRAIN_JUDGE, '', 'npm run train:judge -- --model'],
];

test.each(COMMANDS)('%s %s tells its help, and above it what it can not read', async (...row) => {
  const [program, command, help] = row;
  const [asked, refused] = [
    await run(program, `${command} --help`),
    await run(program, `${command} --nonsense`),
  ];
  expect(asked.code).toBe(0);
  expect(asked.text).toContain(help);
  expect(refused.code).toBe(1);
  expect(refused.text).toMatch(/^Unknown option '--nonsense'/);
  expect(refused.text).toContain(help);
  expect(asked.text + refused.text).not.toMatch(STACK);
});

test.each([
  [ESPALIER, 'nonsense', 1, 'no command "nonsense"'],
  [ESPALIER, 'key', 1, 'no command "key"'],
  [ESPALIER, 'key create', 1, '--tenant is missing'],
  [ESPALIER, 'embedder add', 1, 'name the folder: npx espalier embedder add FOLDER'],
  [ESPALIER, 'store report', 1, 'npx espalier store report ID --questions FILE'],
  [ESPALIER, `store report vs_1 --questions README.md --url ${NOBODY}`, 1, `answers at ${NOBODY}`],
  [ESPALIER, 'store report vs_1 --questions q.tsv', 1, 'q.tsv is not there'],
  [ESPALIER, 'model add', 2, 'npx espalier model add FOLDER'],
  [ESPALIER, 'model report', 1, "name a model's folder: npx espalier model report FOLDER"],
  [ESPALIER, 'model neighbours', 1, "name a model's folder: npx espalier model neighbours FOLDER"],
  [ESPALIER, 'draft add', 2, 'npx espalier draft add FOLDER'],
  [ESPALIER, 'draft train', 2, 'npx espalier draft train MODEL'],
  [TRAIN_JUDGE, '', 1, 'name a model'],
])('%s %s, without what it needs, ends with %i and says what is missing', async (...row) => {
  const [program, command, code, says] = row;
  const said = await run(program, command);
  expect(said.text).toContain(says);
  expect(said.text).not.toMatch(STACK);
  expect(said.code).toBe(code);
});
