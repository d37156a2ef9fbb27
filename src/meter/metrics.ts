/**
 * The Durable Object that adds up what workers everywhere observe. Totals are
 * kept in its storage: an object that idles is evicted, and counters that fall
 * back to zero all day show nothing.
 */

import { DurableObject } from 'cloudflare:workers';
import type { Bindings } from '../bindings.ts';
import { loggable } from '../store/loggable.ts';
import type { MetricsObject } from '../store/objects/metrics.ts';
import type { Observation } from './metric-names.ts';
import { addUp, expose, type Totals } from './metric-totals.ts';

const STORAGE_KEY = 'totals';
/** Writes are gathered: what an eviction can lose is this much time. */
const SAVE_EVERY_MS = 1_000;

/** Tells the object. Never fails: an answer is not spoiled by its statistics. */
export async function observe(env: Bindings, observations: readonly Observation[]): Promise<void> {
  try {
    await env.METRICS.get(env.METRICS.idFromName('all')).add(observations);
  } catch (error) {
    console.error(JSON.stringify({ event: 'metrics_lost', error: loggable(error) }));
  }
}

export class Metrics extends DurableObject<Bindings> implements MetricsObject {
  private totals: Totals | undefined;

  async add(observations: readonly Observation[]): Promise<void> {
    addUp(await this.load(), observations);
    if ((await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(Date.now() + SAVE_EVERY_MS);
    }
  }

  override async alarm(): Promise<void> {
    if (this.totals) await this.ctx.storage.put(STORAGE_KEY, this.totals);
  }

  async expose(gauges: readonly Observation[]): Promise<string> {
    const now: Totals = {};
    addUp(now, gauges);
    return expose({ ...(await this.load()), ...now });
  }

  private async load(): Promise<Totals> {
    this.totals ??= (await this.ctx.storage.get<Totals>(STORAGE_KEY)) ?? {};
    return this.totals;
  }
}
