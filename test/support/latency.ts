/** How long requests take while something else goes on: each address asked at a steady pace, answered or not. */
import { spawn } from 'node:child_process';
import { get } from 'node:http';
import { median, quantile } from '../../bench/statistics.ts';

const EVERY_MS = 100;
/** One that takes longer counts as this. */
const MOST_MS = 60_000;

export interface Latency {
  answered: number;
  unanswered: number;
  p50: number;
  p95: number;
  max: number;
}

/** Asks until `stop`, which waits for the last answers. */
export function watchLatency<Name extends string>(
  addresses: Record<Name, string>,
): { stop(): Promise<Record<Name, Latency>> } {
  const names = Object.keys(addresses) as Name[];
  const asked = names.map((name) => ({ name, times: [] as Promise<number | null>[] }));
  const timer = setInterval(() => {
    for (const { name, times } of asked) times.push(timeOf(addresses[name]));
  }, EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      const rows = asked.map(
        async ({ name, times }) => [name, summary(await Promise.all(times))] as const,
      );
      return Object.fromEntries(await Promise.all(rows)) as Record<Name, Latency>;
    },
  };
}

/** A server that only answers: what the machine's other work makes of the same requests. */
export async function startBareServer(): Promise<{ url: string; stop(): void }> {
  const script =
    "const s = require('node:http').createServer((_, r) => r.end()).listen(0, '127.0.0.1', () => console.log(s.address().port))";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<string>((resolve) =>
    child.stdout.once('data', (text) => resolve(String(text).trim())),
  );
  return { url: `http://127.0.0.1:${port}`, stop: () => void child.kill() };
}

/** Milliseconds until the answer's end; null where there was none. Each over a connection of its own. */
function timeOf(url: string): Promise<number | null> {
  const started = performance.now();
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: MOST_MS }, (response) => {
      response.resume();
      response.on('end', () => resolve(performance.now() - started));
      response.on('error', () => resolve(null));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(null));
  });
}

function summary(times: readonly (number | null)[]): Latency {
  const answered = times.filter((ms) => ms !== null);
  return {
    answered: answered.length,
    unanswered: times.length - answered.length,
    p50: median(answered),
    p95: quantile(answered, 0.95),
    max: Math.max(0, ...answered),
  };
}
