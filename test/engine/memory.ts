/** What an engine leaves behind: work that would show it, and the memory of this process. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Engine } from '../../gpu-backend/engine/engine.ts';
import { treeRow } from './driver.ts';

/** Sessions that come, step with trees of changing size, commit branches and go. */
export async function steps(engine: Engine, count: number): Promise<void> {
  for (let done = 0; done < count; ) {
    const prompt = Int32Array.from({ length: 3 }, (_, i) => (done + i) % 96);
    const slots = [0, 1].map((i) => engine.acquire(prompt, 100, `leak ${done % 5} ${i}`)!);
    for (let round = 0; round < 25; round++, done++) {
      const rows = slots.map((slot, i) =>
        treeRow(slot, [1, 2, 3, 4].slice(0, 1 + ((round + i) % 4)), [-1, 0, 0, 2]),
      );
      await engine.step(rows);
      for (const { slot, count: fed } of rows) {
        if (fed > 2) engine.commit(slot, [0, 2], 2);
        else engine.commit(slot, [0], 1);
      }
    }
    for (const slot of slots) engine.release(slot);
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Resident bytes outside the JS heap, which grows and shrinks at its own will. */
export async function settledMemory(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await pause(20);
  }
  const status = readFileSync('/proc/self/status', 'utf8');
  const kilobytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]);
  const resident = (kilobytes('RssAnon') + kilobytes('RssShmem')) * 1024;
  return resident - process.memoryUsage().heapTotal;
}
