/** A start that takes its time: one that says how far it is may, a silent one may not. */
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { reportProgress } from '../../gpu-backend/cli/progress-lines.ts';
import {
  type Child,
  freePort,
  type OnProgress,
  startProcess,
  untilHealthy,
} from '../../local/process.ts';

const running = new Promise<string>(() => {});
const SILENT_MS = 100;

it('a process that goes on writing is waited for', async () => {
  const port = await freePort();
  const server = createServer((_, response) => response.end());
  onTestFinished(() => void server.close());
  const child = { ended: running, lastOutputAt: Date.now };
  const healthy = untilHealthy('verifier', `http://127.0.0.1:${port}`, child, 'log', SILENT_MS);
  await sleep(4 * SILENT_MS);
  server.listen(port, '127.0.0.1');
  await expect(healthy).resolves.toBeUndefined();
});

it('the head of an answer is enough: its body may never come', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': 2 }).flushHeaders();
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  const child = { ended: running, lastOutputAt: Date.now };
  const healthy = untilHealthy('verifier', `http://127.0.0.1:${port}`, child, 'log', SILENT_MS);
  await expect(healthy).resolves.toBeUndefined();
});

it('a port is none that a system gives to a connection, nor one that was given before', async () => {
  const given = await Promise.all(Array.from({ length: 200 }, () => freePort()));
  for (const port of given) expect(port).toBeLessThan(32_768);
  expect(new Set(given).size).toBe(200);
});

it('a process that writes nothing is not', async () => {
  const child = { ended: running, lastOutputAt: () => 0 };
  const url = `http://127.0.0.1:${await freePort()}`;
  await expect(untilHealthy('verifier', url, child, 'log', SILENT_MS)).rejects.toThrow(
    'The verifier is not ready and has written nothing for 0.1 s. Its log: log',
  );
});

it('a slow download is reported every quarter of a minute, a quick one by tenths', () => {
  let now = 0;
  const lines: string[] = [];
  const progress = reportProgress(
    (line) => lines.push(line),
    () => now,
  );
  const total = 1000 << 20;
  for (const [seconds, megabytes] of [
    [1, 10],
    [14, 30],
    [16, 31],
    [20, 60],
    [32, 70],
    [33, 205],
  ] as const) {
    now = seconds * 1000;
    progress('download', megabytes << 20, total);
  }
  expect(lines).toEqual([
    'download 3 % of 1000 MB',
    'download 7 % of 1000 MB',
    'download 20 % of 1000 MB',
  ]);
});

it('a process tells its progress piece by piece where it is asked for it', async () => {
  const script =
    "process.send?.({ type: 'dependency' }); process.send?.({ progress: ['download', 1, 4] });" +
    " process.send?.({ progress: ['download', 4, 4] }); process.disconnect?.();" +
    " console.log(process.send ? 'told' : 'nobody to tell')";
  const told: Parameters<OnProgress>[] = [];
  const log = join(tmpdir(), `espalier-progress-${process.pid}.log`);
  const start = (onProgress?: OnProgress) =>
    startProcess({ args: ['-e', script], cwd: '.', env: {}, log, onProgress }).ended;
  expect(await start((...progress) => told.push(progress))).toBe('told');
  expect(told).toEqual([
    ['download', 1, 4],
    ['download', 4, 4],
  ]);
  expect(await start()).toBe('nobody to tell');
});

/** Ends on SIGTERM, but has started a process that does not. Says which. */
async function startParent(options: object): Promise<{ parent: Child; stubborn: number }> {
  const code = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";
  const env = { CODE: code, OPTIONS: JSON.stringify(options) };
  const script =
    "const started = require('node:child_process')" +
    ".spawn(process.execPath, ['-e', process.env.CODE], JSON.parse(process.env.OPTIONS));" +
    " process.on('SIGTERM', () => process.exit());" +
    ' setTimeout(() => console.log(started.pid), 300)';
  const log = join(tmpdir(), `espalier-parent-${process.pid}.log`);
  return await new Promise((resolve) => {
    const parent = startProcess({
      ...{ args: ['-e', script], cwd: '.', env, log },
      onLine: (line) => resolve({ parent, stubborn: Number(line) }),
    });
  });
}

it.each([['inherit'], ['ignore']])(
  'what a process has started ends with it, though it does not want to, with its output: %s',
  async (stdio) => {
    const { parent, stubborn } = await startParent({ stdio });
    await parent.stop();
    // Its pipes are closed before the system forgets it.
    await expect.poll(() => isAlive(stubborn)).toBe(false);
  },
);

it('a process ends though what it has started left its group and keeps its output', async () => {
  const { parent, stubborn } = await startParent({ stdio: 'inherit', detached: true });
  await parent.stop();
  expect(isAlive(stubborn)).toBe(true);
  process.kill(stubborn, 'SIGKILL');
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
