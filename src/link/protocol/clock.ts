/**
 * Time, as both ends of the link use it. Injected, so that a simulation can run
 * the same code on a clock of its own.
 */
export interface Clock {
  /** Milliseconds since some fixed moment; never falls. */
  now(): number;
  /** Runs `task` once, `ms` from now. The result calls it off. */
  after(ms: number, task: () => void): () => void;
  /** Resolves once what has arrived by now has been handed to its receivers. */
  breath(): Promise<void>;
}

/** Resolves `ms` from now. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

/** Runs `task` every `ms` until the result is called. */
export function every(clock: Clock, ms: number, task: () => void): () => void {
  let cancel = clock.after(ms, tick);
  function tick(): void {
    cancel = clock.after(ms, tick);
    task();
  }
  return () => cancel();
}
