/**
 * Time that passes only when nothing is left to do at the present moment. Code
 * written against `Clock` runs unchanged and every run is the same to the last
 * event.
 */
import type { Clock } from '../src/link/protocol/index.ts';

interface Event {
  at: number;
  /** Events of one moment happen in the order they were made. */
  order: number;
  task: (() => void) | null;
}

export class VirtualClock implements Clock {
  private time = 0;
  private made = 0;
  /** Binary min-heap by (at, order). */
  private readonly heap: Event[] = [];

  now(): number {
    return this.time;
  }

  after(ms: number, task: () => void): () => void {
    const event: Event = { at: this.time + Math.max(0, ms), order: this.made++, task };
    this.push(event);
    return () => {
      event.task = null;
    };
  }

  breath(): Promise<void> {
    return new Promise((resolve) => {
      this.after(0, resolve);
    });
  }

  /** Lets time pass until `work` is settled. Throws when it waits for something that will never be. */
  async run<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    work.then(done, done);
    for (;;) {
      // Promises are kept before the next real task: whatever this moment causes has happened then.
      await new Promise((resolve) => setImmediate(resolve));
      if (settled) return work;
      const event = this.pop();
      if (!event) throw new Error(`nothing can happen any more at ${this.time} ms: a deadlock`);
      this.time = event.at;
      event.task?.();
    }
  }

  private push(event: Event): void {
    const { heap } = this;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(event, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = event;
  }

  private pop(): Event | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || !last) return first;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
      if (!before(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
