/** What tests do to the connections of a fleet, and see of them. */
import { expect } from 'vitest';
import type { Side, Tap } from '../../bench/rtt/proxy.ts';
import { type RealFleet, until, type Verifier } from './fleet.ts';

/** Connections carry what they are given again, and every verifier is up. */
export async function undisturb({ verifiers }: RealFleet): Promise<void> {
  for (const { proxy, process } of verifiers) {
    proxy.tap = (bytes) => [bytes];
    proxy.frozen = false;
    proxy.rttMs = 0;
    await process.ready();
  }
}

/** Waits until no verifier has a session any more, `ms` at most. */
export async function untilFree({ verifiers }: RealFleet, ms: number): Promise<void> {
  for (const verifier of verifiers) {
    expect(await until(async () => (await verifier.health()).active === 0, ms)).toBe(true);
  }
}

/** Acts once, on chunk `at` that `side` sends on a link, through whichever verifier it comes. */
export function onChunk(
  { verifiers }: RealFleet,
  side: Side,
  at: number,
  act: (bytes: Buffer, verifier: Verifier) => Buffer[],
) {
  let acted: Verifier | null = null;
  for (const verifier of verifiers) {
    let seen = -1;
    const tap: Tap = (bytes, from) => {
      // Only links are counted, from the upgrade on; the first one alone is acted on.
      if (from === 'near' && bytes.includes('/v1/link')) seen = -1;
      if (from !== side || acted) return [bytes];
      seen++;
      if (seen !== at) return [bytes];
      acted = verifier;
      return act(bytes, verifier);
    };
    verifier.proxy.tap = tap;
  }
  return { by: () => acted };
}

/** Links that each verifier was asked for from now on. */
export function countLinks({ verifiers }: RealFleet): Map<Verifier, number> {
  const links = new Map<Verifier, number>();
  for (const verifier of verifiers) {
    const { tap } = verifier.proxy;
    verifier.proxy.tap = (bytes, from) => {
      if (from === 'near' && bytes.includes('/v1/link')) {
        links.set(verifier, (links.get(verifier) ?? 0) + 1);
      }
      return tap(bytes, from);
    };
  }
  return links;
}
