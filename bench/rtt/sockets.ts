/**
 * The same question over real sockets: the bundled model, the real worker and
 * the real verifier on this machine, with a proxy between them that adds the
 * round trip. What is timed is the stream as a client sees it, from its first
 * text to its last byte; of several times asked the fastest counts, as whatever
 * else the machine does only ever adds.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../local/database.ts';
import { ingestDemo } from '../../local/demo.ts';
import { freePort } from '../../local/process.ts';
import { ROOT } from '../../local/root.ts';
import { newLinkKeys, startVerifier } from '../../local/verifier.ts';
import { type LocalWorker, startWorker } from '../../local/worker.ts';
import { streamChat } from '../stream-chat.ts';
import { TcpProxy } from './proxy.ts';

export const SOCKET_RTTS = [0, 20, 50, 100];
export const SOCKET_MODES = ['off', 'lockstep', 'streamed', 'echoed'] as const;
type SocketMode = (typeof SOCKET_MODES)[number];

const SPECULATION: Record<SocketMode, object> = {
  off: { mode: 'off' },
  lockstep: { ablation: { trees: 'lockstep' } },
  streamed: { ablation: { trees: 'streamed' } },
  echoed: {},
};

const QUESTIONS = 6;
const ROUNDS = 3;

export interface SocketRun {
  tokens: number;
  steps: number;
  seconds: number;
  ttftMs: number[];
}

export interface SocketTable {
  /** By round trip and mode. */
  runs: Record<number, Record<SocketMode, SocketRun>>;
  /** Answers that were not the same in all modes; none, if all is well. */
  different: number;
}

export async function measureSockets(): Promise<SocketTable> {
  const questions: string[] = JSON.parse(
    readFileSync(join(ROOT, 'web/demo/questions.json'), 'utf8'),
  ).slice(0, QUESTIONS);
  const service = await start();
  const table: SocketTable = { runs: {}, different: 0 };
  try {
    for (const mode of SOCKET_MODES) await ask(service.url, questions[0]!, mode);
    for (const rtt of SOCKET_RTTS) {
      service.proxy.rttMs = rtt;
      const runs = Object.fromEntries(
        SOCKET_MODES.map((mode) => [mode, { tokens: 0, steps: 0, seconds: 0, ttftMs: [] }]),
      ) as unknown as Record<SocketMode, SocketRun>;
      table.runs[rtt] = runs;
      for (const [turn, question] of questions.entries()) {
        const texts = new Set<string>();
        const fastest = new Map<SocketMode, Asked>();
        for (let round = 0; round < ROUNDS; round++) {
          // Whoever goes first fills the KV cache for the others: take turns.
          for (const i of SOCKET_MODES.keys()) {
            const mode = SOCKET_MODES[(i + turn + round) % SOCKET_MODES.length]!;
            const answer = await ask(service.url, question, mode);
            texts.add(answer.text);
            const before = fastest.get(mode);
            if (!before || decodeSeconds(answer) < decodeSeconds(before)) fastest.set(mode, answer);
          }
        }
        for (const [mode, answer] of fastest) {
          const run = runs[mode];
          run.tokens += answer.usage.completion_tokens;
          run.steps += answer.usage.speculation!.steps;
          run.seconds += decodeSeconds(answer);
          run.ttftMs.push(answer.ttftMs);
        }
        if (texts.size > 1) table.different++;
      }
    }
  } finally {
    await service.stop();
  }
  return table;
}

type Asked = Awaited<ReturnType<typeof ask>>;

/** From the first text to the last byte. */
function decodeSeconds({ seconds, ttftMs }: Asked): number {
  return seconds - ttftMs / 1000;
}

function ask(url: string, question: string, mode: SocketMode) {
  return streamChat(url, {
    messages: [{ role: 'user', content: question }],
    temperature: 0,
    // Questions come again in every round: past answers would be measured, not distance.
    speculation: { ...SPECULATION[mode], memory: false, stats: true },
  });
}

/** Verifier, proxy, worker. */
async function start() {
  const state = mkdtempSync(join(tmpdir(), 'espalier-rtt-'));
  const [port, verifierPort] = [await freePort(), await freePort()];
  const proxy = await TcpProxy.start(verifierPort);
  const keys = newLinkKeys();
  const verifier = startVerifier({ port: verifierPort, state, keys, audience: proxy.url });
  await migrate(state);
  let worker: LocalWorker | undefined;
  async function stop(): Promise<void> {
    await Promise.all([worker?.stop(), verifier.stop(), proxy.close()]);
    rmSync(state, { recursive: true, force: true });
  }
  try {
    await verifier.ready();
    worker = await startWorker({ port, verifierUrl: proxy.url, state, keys });
    await ingestDemo(worker.url, state, () => {});
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: worker.url, proxy, stop };
}
