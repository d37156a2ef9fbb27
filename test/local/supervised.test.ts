/** A half of the service that dies, hangs or never comes up, as `npm start` watches it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { freePort, startProcess } from '../../local/process.ts';
import { type Patience, Supervised } from '../../local/supervised.ts';

const PATIENCE: Patience = {
  probeMs: 50,
  answerMs: 300,
  silentMs: 1_000,
  pauseMs: 10,
  longestPauseMs: 40,
  maxFailures: 3,
  steadyMs: 60_000,
};

/** Answers with its pid; `/hang` and `/die` do what they say; after `/lose` two answers are lost. */
const SERVER = `
import { createServer } from 'node:http';
let lost = 2;
createServer(({ url }, response) => {
  if (url === '/die') process.exit(1);
  if (url === '/hang') for (;;);
  if (url === '/lose') lost = 0;
  else if (lost++ < 2) return;
  response.end(String(process.pid));
}).listen(Number(process.argv[2]), '127.0.0.1');
`;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

async function supervise(script = SERVER) {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-test-'));
  const file = join(folder, 'server.mjs');
  const log = join(folder, 'log');
  writeFileSync(file, script);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const half = new Supervised({
    name: 'server',
    liveUrl: url,
    log,
    readyMs: 20_000,
    start: () => startProcess({ args: [file, String(port)], cwd: folder, env: {}, log }),
  });
  cleanups.push(
    () => half.stop(),
    () => rmSync(folder, { recursive: true, force: true }),
  );
  const lines: string[] = [];
  const givenUp = () => half.watch((line) => lines.push(line), PATIENCE);
  const ask = async (path = '/') => (await fetch(url + path)).text();
  return { half, lines, givenUp, ask };
}

test.each(['/die', '/hang'])('after %s it is started again, and says so', async (path) => {
  const { half, lines, givenUp, ask } = await supervise();
  await half.ready();
  const before = await ask();
  void givenUp();
  void ask(path).catch(() => {});
  const answer = () => ask().catch(() => before);
  await expect.poll(answer, { timeout: 20_000 }).not.toBe(before);
  await expect.poll(() => lines.at(-1), { timeout: 20_000 }).toBe('The server answers again.');
  expect(lines[0]).toMatch(
    /^The server (stopped|has not answered for 1 s): starting it again in 1 s\. Its log: /,
  );
});

test('one whose answer is lost now and then is asked again, and not started anew', async () => {
  const { half, lines, givenUp, ask } = await supervise();
  await half.ready();
  const before = await ask();
  void givenUp();
  await ask('/lose');
  await new Promise((later) => setTimeout(later, 1_800));
  expect(await ask()).toBe(before);
  expect(lines).toEqual([]);
});

test('one that dies at every start is given up, with its log named', async () => {
  const { half, lines, givenUp } = await supervise('process.exit(3)');
  await half.ready().catch(() => {});
  expect(await givenUp()).toMatch(/^The server died 3 times in a row\. Its log: /);
  expect(lines).toHaveLength(3);
});

test('one that is stopped stays stopped', async () => {
  const { half, lines, givenUp, ask } = await supervise();
  await half.ready();
  void givenUp();
  await half.stop();
  await new Promise((later) => setTimeout(later, 300));
  await expect(ask()).rejects.toThrow();
  expect(lines).toEqual([]);
});
