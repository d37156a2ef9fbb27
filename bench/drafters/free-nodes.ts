/** Engines that several benchmarks' schedulers share, and trees as they are where nodes cost nothing. */
import type { Engine } from '../../gpu-backend/engine/engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import type { Clock } from '../../src/link/protocol/index.ts';

/** `engine` with some of its methods replaced. */
export function changed<T extends object>(engine: T, changes: Partial<T>): T {
  return new Proxy(engine, {
    get(target, name) {
      if (name in changes) return Reflect.get(changes, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** `engine`, which a scheduler that is idle does not time: another one's step may be in flight. */
export function shared(engine: Engine): Engine {
  return changed(engine, { probe: async () => false });
}

/** `engine`, of which sizing believes that nodes cost nothing. */
export function withFreeNodes(engine: Engine): Engine {
  return changed(shared(engine), { plan: () => ({ cost: 1, add: () => {} }) });
}

/** By which every step takes as long as any other: nobody rests from drafting that costs time. */
export function countingClock(): Clock {
  let now = 0;
  return { ...nodeClock, now: () => now++ };
}
