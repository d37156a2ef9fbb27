/** The verifiers as this isolate knows them. */
import { type Bindings, verifierUrls } from '../bindings.ts';
import { dialer, workerClock } from '../link/dial.ts';
import type { LinkEnvironment } from '../link/failover.ts';
import { Fleet } from '../link/fleet.ts';
import { parseLinkKeys, type TicketClaims } from '../link/protocol/index.ts';

/** By configuration, so that two of them in one isolate don't mix. What one turn learns helps the next. */
const fleets = new Map<string, Fleet>();

/** Throws `RangeError` where the configuration is wrong. */
export function linkEnvironment(env: Bindings, fingerprint: TicketClaims): LinkEnvironment {
  let fleet = fleets.get(env.VERIFIER_URL);
  if (!fleet) {
    fleet = new Fleet(verifierUrls(env), workerClock, Math.random);
    fleets.set(env.VERIFIER_URL, fleet);
  }
  const [key] = parseLinkKeys(env.LINK_KEYS);
  return {
    fleet,
    dial: dialer(key, fingerprint),
    clock: workerClock,
    random: Math.random,
  };
}
