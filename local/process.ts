/** A child process of the service: started, watched until it is ready, stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { answers } from './answers.ts';

/** Something the user can mend; the message says how. Shown without a stack. */
export class StartError extends Error {
  override name = 'StartError';
}

/** Time a child has to end on SIGTERM before it is killed. */
const STOP_GRACE_MS = 5_000;
/** Then its output is closed: what has left its group may hold it open for ever. */
const LET_GO_MS = 6_000;
const POLL_MS = 50;
/** After this it is asked again: an answer may be lost. */
const ANSWER_MS = 2_000;
const TAIL_LINES = 20;
/** Below the first that a system gives away by itself: 32,768 on Linux, 49,152 elsewhere. */
const OWN_PORTS = { from: 20_000, to: 32_768 };
/** Ports between those at which two processes of neighbouring numbers begin to look. */
const PORTS_APART = 97;

export interface Child {
  /** Resolves with the last lines of output when the process ends by itself. */
  ended: Promise<string>;
  readonly pid: number;
  /** When it last wrote anything, in `Date.now()`'s terms; 0 before that. */
  lastOutputAt(): number;
  /** null while it runs, or when a signal ended it. */
  exitCode(): number | null;
  stop(): Promise<void>;
}

export interface Command {
  args: string[];
  cwd: string;
  env: Record<string, string>;
  /** Receives stdout and stderr. */
  log: string;
  /** Told every line of it as well. */
  onLine?: ((line: string) => void) | undefined;
  /** Told what it sends of its progress; without it the process has nobody to send to. */
  onProgress?: OnProgress | undefined;
}

/** Of `what`, `done` of `total` bytes. */
export type OnProgress = (what: string, done: number, total: number) => void;

/** Of a process of the service with this state. */
export function logFile(state: string, name: string): string {
  return join(state, 'logs', `${name}.log`);
}

/** Runs `node ...args`, output to a log file. */
export function startProcess({ args, cwd, env, log, onLine, onProgress }: Command): Child {
  mkdirSync(dirname(log), { recursive: true });
  const file = createWriteStream(log);
  const tail: string[] = [];
  let lastOutputAt = 0;
  let isClosed = false;
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(onProgress ? (['ipc'] as const) : [])],
    // Its own group: Ctrl-C reaches us alone, and we stop it in order.
    detached: true,
  });
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      file.write(text);
      lastOutputAt = Date.now();
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      for (const line of lines) onLine?.(line);
      tail.push(...lines);
      tail.splice(0, Math.max(0, tail.length - TAIL_LINES));
    });
  }
  // tsx sends messages of its own.
  child.on('message', ({ progress }: { progress?: Parameters<OnProgress> }) => {
    if (progress) onProgress?.(...progress);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('close', () => {
      isClosed = true;
      file.end();
      resolve(tail.join('\n'));
    });
    child.once('error', (error) => resolve(error.message));
  });
  /** To it and to what it has started, which may outlive it. */
  function signal(name: NodeJS.Signals): void {
    if (!child.pid) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // Nothing of it is left.
    }
  }
  return {
    ended,
    pid: child.pid!,
    lastOutputAt: () => lastOutputAt,
    exitCode: () => child.exitCode,
    async stop() {
      if (isClosed) return;
      signal('SIGTERM');
      const kill = setTimeout(signal, STOP_GRACE_MS, 'SIGKILL');
      const letGo = setTimeout(() => {
        child.stdout!.destroy();
        child.stderr!.destroy();
      }, LET_GO_MS);
      await ended;
      clearTimeout(kill);
      clearTimeout(letGo);
      // What writes elsewhere is not waited for.
      signal('SIGKILL');
    },
  };
}

/**
 * Waits until `url` answers 2xx. Rejects when the child ends first, or writes
 * nothing for `silentMs`: a start that downloads a model says how far it is.
 */
export async function untilHealthy(
  name: string,
  url: string,
  child: Pick<Child, 'ended' | 'lastOutputAt'>,
  log: string,
  silentMs: number,
): Promise<void> {
  const started = Date.now();
  let over: string | null = null;
  void child.ended.then((tail) => {
    over = tail;
  });
  while (Date.now() < Math.max(started, child.lastOutputAt()) + silentMs) {
    if (over !== null) throw new StartError(`The ${name} stopped while starting:\n${over}`);
    if (await answers(url, ANSWER_MS)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new StartError(
    `The ${name} is not ready and has written nothing for ${silentMs / 1000} s. Its log: ${log}`,
  );
}

/** Rejects with what to do when the port can't be listened on. */
export async function requireFreePort(port: number, variable: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new StartError(
          error.code === 'EADDRINUSE'
            ? `Port ${port} is taken. Stop what listens there, or choose another: ${variable}=${port + 100} npm start`
            : `Port ${port} can't be used (${error.code}). Choose another: ${variable}=${port + 100} npm start`,
        ),
      ),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}

let nextPort = (process.pid + threadId) * PORTS_APART;

/**
 * A port that was free a moment ago, and that no system gives to a connection, or to a program
 * that asks for any port: a process that takes seconds to start would find such a one taken.
 * Nor is it one that was given before and may be used only in a while: ports are given in
 * order, and each process begins elsewhere.
 */
export async function freePort(): Promise<number> {
  const { from, to } = OWN_PORTS;
  for (;;) {
    const port = from + (nextPort++ % (to - from));
    if (await canListen(port)) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
