/**
 * One thread that makes all runs of an engine. ONNX Runtime keeps captured CUDA graphs by thread,
 * and a capture forbids other threads much of what loading and copying do; runs that go to libuv's
 * pool land on whichever thread is free. This file is also what the thread executes.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Copy, CudaRuntime } from './cuda-runtime.ts';
import { type Address, ortLibrary } from './library.ts';

/** A run, and what is copied before and after it. */
export interface ThreadRun {
  session: Address;
  options: Address;
  binding: Address;
  before: readonly Copy[];
  after: readonly Copy[];
}

const ROLE = 'espalier run thread';

interface Start {
  role: typeof ROLE;
  deviceId: number;
}

/** null where it went well. */
type Answer = string | null;

export class RunThread {
  private readonly worker: Worker;
  private pending: { resolve: () => void; reject: (error: Error) => void } | null = null;
  /** Why the thread has ended; null while it lives. */
  private death: Error | null = null;

  private constructor(worker: Worker) {
    this.worker = worker;
    worker.on('message', (answer: Answer) => {
      this.settle(answer === null ? null : new Error(answer));
    });
    worker.on('error', (error) => this.die(error));
    worker.on('exit', (code) =>
      this.die(new Error(`the thread of the runs has ended with ${code}`)),
    );
    worker.unref();
  }

  /** Rejects where the thread can't load CUDA's runtime. */
  static async start(deviceId: number): Promise<RunThread> {
    return await RunThread.over(startHere({ role: ROLE, deviceId }));
  }

  /** Over a worker that answers once when it has started, and once each run. */
  static async over(worker: Worker): Promise<RunThread> {
    const thread = new RunThread(worker);
    try {
      await thread.answer();
      return thread;
    } catch (error) {
      thread.close();
      throw error;
    }
  }

  /** One at a time; resolves when everything was done. */
  run(work: ThreadRun): Promise<void> {
    if (this.pending) throw new Error('the thread of the runs is at work');
    return this.answer(work);
  }

  /** After the sessions that ran here were released. */
  close(): void {
    void this.worker.terminate();
  }

  /** The next answer. A thread that has ended gives none: nothing is asked of it. */
  private answer(work?: ThreadRun): Promise<void> {
    if (this.death) return Promise.reject(this.death);
    return new Promise((resolve, reject) => {
      if (work) this.worker.postMessage(work);
      // A process does not end with a run in flight.
      this.worker.ref();
      this.pending = { resolve, reject };
    });
  }

  /** An error ends the thread: `exit` follows it, and says less. */
  private die(cause: Error): void {
    this.death ??= cause;
    this.settle(this.death);
  }

  private settle(failure: Error | null): void {
    const { pending } = this;
    this.pending = null;
    this.worker.unref();
    if (failure) pending?.reject(failure);
    else pending?.resolve();
  }
}

/** A thread that executes this file. Where Node runs no TypeScript itself tsx does, in each thread for itself. */
function startHere(data: Start): Worker {
  const file = import.meta.url;
  // Node 22.10 to 22.17 have the feature's name, with false as its value.
  const { typescript } = process.features as { typescript?: string | false };
  if (!file.endsWith('.ts') || typescript) {
    return new Worker(new URL(file), { workerData: data });
  }
  const tsx = import.meta.resolve('tsx/esm/api');
  const program = `import('${tsx}').then(({ tsImport }) => tsImport('${file}', '${file}'))`;
  return new Worker(program, { eval: true, workerData: data });
}

function serve({ deviceId }: Start): void {
  const port = parentPort!;
  const answer = (work: () => void): void => {
    let failure: Answer = null;
    try {
      work();
    } catch (error) {
      failure = (error as Error).message;
    }
    port.postMessage(failure);
  };
  let runtime: CudaRuntime | undefined;
  answer(() => {
    ortLibrary();
    runtime = new CudaRuntime(deviceId);
  });
  port.on('message', ({ session, options, binding, before, after }: ThreadRun) => {
    answer(() => {
      for (const copy of before) runtime!.copy(copy);
      ortLibrary().call('RunWithBinding', session, options, binding);
      for (const copy of after) runtime!.copy(copy);
    });
  });
}

const start = workerData as Partial<Start> | null;
if (!isMainThread && start?.role === ROLE) serve(start as Start);
