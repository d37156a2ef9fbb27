/**
 * Hundreds of streaming requests at once, over and over, through the whole path.
 * Most are refused by design, as there are sixteen slots; the question is whether
 * every stream that was taken is whole, every other is refused with a time to come
 * again, and nothing is left behind.
 *
 *   npm run bench:load [-- --json] [-- --streams 500] [-- --rounds 5] [-- --dev]
 *
 * The worker runs in workerd alone; `--dev` leaves it in `wrangler dev`, whose proxy
 * loses connections under such load.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { startService, type TestService } from '../test/support/service.ts';
import { residentBytes } from './ingest/memory.ts';
import { withBareWorker } from './load/bare-worker.ts';
import { quantile } from './statistics.ts';
import { ChatRefused, streamChat } from './stream-chat.ts';

const json = process.argv.includes('--json');
const streams = option('--streams', 500);
const rounds = option('--rounds', 5);
/** Until the verifier has no session left. */
const IDLE_MS = 15_000;
const MB = 1024 * 1024;

/**
 * A connection that is kept may be closed by the server, after five idle seconds, just as
 * it is used again: a request lost like this was never seen, and would count as broken.
 */
const OWN_CONNECTION = { connection: 'close' };

type Outcome =
  | { kind: 'whole'; tokens: number; ttftMs: number }
  | { kind: 'refused'; status: number; reason: string; comeAgain: boolean; ms: number }
  | { kind: 'dropped'; ms: number }
  | { kind: 'broken'; reason: string };

/** Said by `wrangler dev`, whose proxy loses connections to the worker under such load. */
const DROPPED = 'Your worker restarted mid-request';

interface Round {
  whole: number;
  refused: Record<string, number>;
  /** Whose connection was closed before an answer began, and after how long. */
  dropped: number;
  droppedMs: { p50: number; p99: number };
  /** What refusals without `retry-after` said. */
  hopeless: string[];
  broken: string[];
  tokens: number;
  seconds: number;
  ttftMs: { p50: number; p99: number };
  refusedMs: { p50: number; p99: number };
  /** Sessions at the verifier once all is answered. */
  sessionsLeft: number;
  verifierMb: number;
  workerMb: number;
}

async function main(): Promise<void> {
  const load = loadavg()[0]!;
  const started = await startService();
  const service = process.argv.includes('--dev') ? started : await withBareWorker(started);
  const done: Round[] = [];
  try {
    for (let number = 0; number < rounds; number++) {
      const round = await runRound(service, number);
      done.push(round);
      if (!json) print(number, round);
    }
    await streamChat(service.url, body(0));
  } finally {
    await service.stop();
  }
  const faults = done.reduce(
    (sum, { broken, hopeless, sessionsLeft }) =>
      sum + broken.length + hopeless.length + sessionsLeft,
    0,
  );
  if (json) console.log(JSON.stringify({ streams, load, rounds: done, faults }));
  else console.log(`\n${faults} faults; load before: ${load.toFixed(1)}`);
  if (faults > 0) process.exitCode = 1;
}

async function runRound(service: TestService, number: number): Promise<Round> {
  const started = performance.now();
  const outcomes = await Promise.all(
    Array.from({ length: streams }, (_, i) => ask(service.url, number * streams + i)),
  );
  const seconds = (performance.now() - started) / 1000;
  const whole = outcomes.filter((one) => one.kind === 'whole');
  const refusals = outcomes.filter((one) => one.kind === 'refused');
  const dropped = outcomes.filter((one) => one.kind === 'dropped');
  const refused: Record<string, number> = {};
  for (const { status } of refusals) refused[status] = (refused[status] ?? 0) + 1;
  const between = (values: number[]) => ({
    p50: quantile(values, 0.5),
    p99: quantile(values, 0.99),
  });
  return {
    whole: whole.length,
    refused,
    dropped: dropped.length,
    droppedMs: between(dropped.map(({ ms }) => ms)),
    hopeless: refusals.flatMap(({ comeAgain, reason }) => (comeAgain ? [] : [reason])),
    broken: outcomes.flatMap((one) => (one.kind === 'broken' ? [one.reason] : [])),
    tokens: whole.reduce((sum, { tokens }) => sum + tokens, 0),
    seconds,
    ttftMs: between(whole.map(({ ttftMs }) => ttftMs)),
    refusedMs: between(refusals.map(({ ms }) => ms)),
    sessionsLeft: await sessionsLeft(service),
    verifierMb: residentBytes(service.verifier.pid) / MB,
    workerMb: residentBytes(service.worker.pid) / MB,
  };
}

/** Prompts differ, so that sessions are not all one prefix. */
function body(number: number) {
  const messages = [{ role: 'user', content: `What is credit? (${number})` }];
  return { messages, seed: number, max_tokens: 64 };
}

async function ask(url: string, number: number): Promise<Outcome> {
  const started = performance.now();
  try {
    const { finish, usage, ttftMs } = await streamChat(url, body(number), OWN_CONNECTION);
    if (finish === null) return { kind: 'broken', reason: 'no finish_reason' };
    return { kind: 'whole', tokens: usage.completion_tokens, ttftMs };
  } catch (error) {
    if (!(error instanceof ChatRefused)) {
      // `fetch` itself rejects only before there are headers.
      const { message } = error as Error;
      if (message === 'fetch failed') return { kind: 'dropped', ms: performance.now() - started };
      return { kind: 'broken', reason: String(error) };
    }
    const { status, retryAfter } = error;
    const ms = performance.now() - started;
    if (error.message.includes(DROPPED)) return { kind: 'dropped', ms };
    if (status !== 429 && status !== 503) return { kind: 'broken', reason: error.message };
    return {
      kind: 'refused',
      status,
      reason: error.message,
      comeAgain: Number(retryAfter) > 0,
      ms,
    };
  }
}

async function sessionsLeft({ verifierUrl }: TestService): Promise<number> {
  const deadline = Date.now() + IDLE_MS;
  for (;;) {
    const health = await (await fetch(`${verifierUrl}/health`)).json();
    const { active } = health as { active: number };
    if (active === 0 || Date.now() > deadline) return active;
    await sleep(50);
  }
}

function print(number: number, round: Round): void {
  const {
    whole,
    refused,
    broken,
    hopeless,
    tokens,
    seconds,
    ttftMs,
    refusedMs,
    verifierMb,
    workerMb,
  } = round;
  const refusals = Object.entries(refused).map(([status, times]) => `${times} × ${status}`);
  console.log(
    `round ${number + 1}: ${whole} whole, ${refusals.join(', ')}, ${round.dropped} closed before an answer${round.dropped > 0 ? ` (p50 ${round.droppedMs.p50.toFixed(0)} ms)` : ''}, ${broken.length} broken, ` +
      `${round.sessionsLeft} sessions left; ${tokens} tokens in ${seconds.toFixed(1)} s; ` +
      `first text p50 ${ttftMs.p50.toFixed(0)} ms; refused p50 ${refusedMs.p50.toFixed(0)}, ` +
      `p99 ${refusedMs.p99.toFixed(0)} ms; ` +
      `resident: verifier ${verifierMb.toFixed(0)} MB, worker ${workerMb.toFixed(0)} MB`,
  );
  for (const reason of new Set([...broken, ...hopeless])) console.log(`  ${reason}`);
}

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(name);
  return (at > 0 && Number(process.argv[at + 1])) || fallback;
}

await main();
