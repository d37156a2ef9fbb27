/** Two real verifiers behind tampering proxies, and a real worker that knows both. */
import { readFileSync, rmSync } from 'node:fs';
import { TcpProxy } from '../../bench/rtt/proxy.ts';
import { freePort } from '../../local/process.ts';
import type { Supervised } from '../../local/supervised.ts';
import { newLinkKeys, startVerifier } from '../../local/verifier.ts';
import { type LocalWorker, startWorker } from '../../local/worker.ts';
import { eventData } from '../support/event-data.ts';
import { migratedState } from '../support/worker.ts';

export interface Health {
  status: string;
  active: number;
}

/** One verifier: its process, and the proxy that workers see. */
export class Verifier {
  readonly proxy: TcpProxy;
  readonly process: Supervised;
  private readonly port: number;

  constructor(proxy: TcpProxy, port: number, process: Supervised) {
    this.proxy = proxy;
    this.port = port;
    this.process = process;
  }

  get pid(): number {
    return this.process.pid;
  }

  async health(): Promise<Health> {
    const response = await fetch(`http://127.0.0.1:${this.port}/health`);
    return (await response.json()) as Health;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** Resolves with its exit code, null when a signal ended it. */
  async ended(): Promise<number | null> {
    await this.process.ended;
    return this.process.exitCode();
  }

  /** Resident memory, in MiB. */
  get residentMiB(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await this.proxy.close();
  }
}

export interface RealFleet {
  url: string;
  keys: string;
  verifiers: [Verifier, Verifier];
  worker: LocalWorker;
  stop(): Promise<void>;
}

/** `model`: a folder, the bundled one if absent. */
export async function startFleet(model?: string): Promise<RealFleet> {
  const state = await migratedState();
  const keys = newLinkKeys();
  const first = await startOne('a', state, keys, model);
  const second = await startOne('b', state, keys, model);
  const port = await freePort();
  const urls = `${first.proxy.url}, ${second.proxy.url}`;
  let worker: LocalWorker | undefined;
  async function stop(): Promise<void> {
    await Promise.all([worker?.stop(), first.stop(), second.stop()]);
    rmSync(state, { recursive: true, force: true });
  }
  try {
    const up = startWorker({ port, verifierUrl: urls, state, keys });
    await Promise.all([first.process.ready(), second.process.ready(), up]);
    worker = await up;
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: worker.url, keys, verifiers: [first, second], worker, stop };
}

async function startOne(
  name: string,
  state: string,
  keys: string,
  model: string | undefined,
): Promise<Verifier> {
  const port = await freePort();
  const proxy = await TcpProxy.start(port);
  const setup = { port, state, keys, audience: proxy.url, name, model };
  return new Verifier(proxy, port, startVerifier(setup));
}

export async function until(condition: () => Promise<boolean>, ms: number): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (Date.now() < deadline) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

export interface Streamed {
  text: string;
  /** Message of the error event, if one ended the stream. */
  error: string | null;
  /** Whether `[DONE]` came. */
  complete: boolean;
  finish: string | null;
}

/** Streams an answer; `onText` sees each piece as it comes. */
export async function stream(
  url: string,
  body: object,
  onText: (text: string) => void | Promise<void> = () => {},
  signal?: AbortSignal,
): Promise<Streamed> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true }),
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const streamed: Streamed = { text: '', error: null, complete: false, finish: null };
  for await (const data of eventData(response)) {
    if (data === '[DONE]') {
      streamed.complete = true;
      continue;
    }
    const chunk = JSON.parse(data);
    if (chunk.error) streamed.error = chunk.error.message;
    const choice = chunk.choices?.[0];
    streamed.finish = choice?.finish_reason ?? streamed.finish;
    const text: string | undefined = choice?.delta.content;
    if (!text) continue;
    streamed.text += text;
    await onText(text);
  }
  return streamed;
}
