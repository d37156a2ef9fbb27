/** The link's surroundings in this isolate: which verifiers there are and what is known of them. */
import { type Bindings, verifierUrls } from '../bindings.ts';
import { dial, workerClock } from '../link/dial.ts';
import type { LinkContext } from '../link/failover.ts';
import { Fleet } from '../link/fleet.ts';

/** By configuration, so that two of them in one isolate don't mix. What one turn learns helps the next. */
const fleets = new Map<string, Fleet>();

export function linkContext(env: Bindings): LinkContext {
  let fleet = fleets.get(env.VERIFIER_URL);
  if (!fleet) {
    fleet = new Fleet(verifierUrls(env), workerClock, Math.random);
    fleets.set(env.VERIFIER_URL, fleet);
  }
  return { fleet, dial, clock: workerClock, random: Math.random };
}
