/**
 * One half of the service as a process that is started again when it dies, or
 * when it runs and answers nobody: a runtime out of memory leaves its parent behind.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { answers } from './answers.ts';
import { type Child, untilHealthy } from './process.ts';

export interface Half {
  name: string;
  /** Answers 2xx while the process can answer anything. */
  liveUrl: string;
  log: string;
  /** Time a start may take without writing to its log. */
  readyMs: number;
  start(): Child;
}

export interface Patience {
  /** Between two looks at a process that answers. */
  probeMs: number;
  /**
   * After this the process is asked again: an answer may be lost. `wrangler dev` even waits
   * for another request before it repeats a GET whose connection the worker has closed.
   */
  answerMs: number;
  /** A process that has not answered for so long is taken for dead. A large file may take a thread for seconds. */
  silentMs: number;
  /** Before the first new start; twice as long before each one that follows. */
  pauseMs: number;
  longestPauseMs: number;
  /** Starts in a row that never came up, after which it is given up. */
  maxFailures: number;
  /** A process that ran for so long is no failed start. */
  steadyMs: number;
}

const PATIENCE: Patience = {
  probeMs: 2_000,
  answerMs: 5_000,
  silentMs: 60_000,
  pauseMs: 1_000,
  longestPauseMs: 60_000,
  maxFailures: 8,
  steadyMs: 300_000,
};

export class Supervised {
  private readonly half: Half;
  private child: Child;
  private stopping = false;
  private lookedAt: AbortController | null = null;

  /** Starts it. */
  constructor(half: Half) {
    this.half = half;
    this.child = half.start();
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Resolves with its last lines when the process that runs now ends by itself. */
  get ended(): Promise<string> {
    return this.child.ended;
  }

  /** null while it runs, or when a signal ended it. */
  exitCode(): number | null {
    return this.child.exitCode();
  }

  /** Starts it again once it has ended by itself. */
  async restart(): Promise<void> {
    await this.child.ended;
    this.child = this.half.start();
    await this.ready();
  }

  /** Rejects with a `StartError` if it ends first, or takes too long. */
  ready(): Promise<void> {
    const { name, liveUrl, log, readyMs } = this.half;
    return untilHealthy(name, liveUrl, this.child, log, readyMs);
  }

  /**
   * Starts it again whenever it has died. Resolves with a message when that no
   * longer helps, and never once it is stopped.
   */
  async watch(report: (line: string) => void, patience: Patience = PATIENCE): Promise<string> {
    const { name, log } = this.half;
    for (let failures = 0; ; ) {
      const upSince = Date.now();
      const death = await this.untilDead(patience);
      if (this.stopping) return new Promise(() => {});
      failures = Date.now() - upSince > patience.steadyMs ? 1 : failures + 1;
      if (failures > patience.maxFailures) {
        return `The ${name} died ${patience.maxFailures} times in a row. Its log: ${log}`;
      }
      const pause = Math.min(patience.pauseMs * 2 ** (failures - 1), patience.longestPauseMs);
      report(
        `The ${name} ${death}: starting it again in ${Math.ceil(pause / 1000)} s. Its log: ${log}`,
      );
      await this.child.stop();
      await sleep(pause);
      if (this.stopping) return new Promise(() => {});
      this.child = this.half.start();
      const isBack = await this.ready().then(
        () => true,
        () => false,
      );
      if (isBack) report(`The ${name} answers again.`);
    }
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.lookedAt?.abort();
    await this.child.stop();
  }

  private async untilDead({ probeMs, answerMs, silentMs }: Patience): Promise<string> {
    const { liveUrl } = this.half;
    const looking = new AbortController();
    this.lookedAt = looking;
    let over = false;
    void this.child.ended.then(() => {
      over = true;
      looking.abort();
    });
    for (let answeredAt = Date.now(); !over; ) {
      if (await answers(liveUrl, answerMs, looking.signal)) answeredAt = Date.now();
      else if (Date.now() - answeredAt >= silentMs)
        return `has not answered for ${silentMs / 1000} s`;
      await sleep(probeMs, undefined, { signal: looking.signal }).catch(() => {});
      if (this.stopping) break;
    }
    return 'stopped';
  }
}
