/**
 * Whether this process had the cores that it asked for over some time. What a run takes
 * beside other work says nothing of what rows cost: a short run slips between the others'
 * time slices, and a long one does not.
 */
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';

/** Of the time of all threads. ONNX Runtime's spin between operators, so with the cores to itself a run takes nearly all. */
const LEAST_SHARE = 0.8;

export class CoreWatch {
  private readonly cores: number;
  private readonly began = performance.now();
  private readonly usage = process.cpuUsage();

  /** @param threads that compute all the time */
  constructor(threads: number) {
    this.cores = Math.min(threads, availableParallelism());
  }

  /** Since this watch was made. */
  hadCores(): boolean {
    const { user, system } = process.cpuUsage(this.usage);
    const micros = 1000 * (performance.now() - this.began);
    return user + system >= LEAST_SHARE * this.cores * micros;
  }
}
