import type { Clock } from '../../src/link/protocol/index.ts';

/** The machine's own time. */
export const nodeClock: Clock = {
  now: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
  breath: () => new Promise((resolve) => setImmediate(resolve)),
};
