/**
 * The Durable Object that counts a key's requests. One object a key makes the
 * limit exact wherever requests come in; its state is memory only, so an
 * eviction forgives, it never forbids.
 */

import { DurableObject } from 'cloudflare:workers';
import type { Bindings } from '../bindings.ts';
import type { KeyLimits, LimiterObject, Verdict } from '../store/objects/limiter.ts';
import { RequestMeter } from './request-meter.ts';

export class Limiter extends DurableObject<Bindings> implements LimiterObject {
  private readonly meter = new RequestMeter();

  admit(limits: KeyLimits): Verdict {
    return this.meter.admit(limits, Date.now());
  }

  widen(lease: number, answers: number, limits: KeyLimits): boolean {
    return this.meter.widen(lease, answers, limits, Date.now());
  }

  renew(lease: number): void {
    this.meter.renew(lease, Date.now());
  }

  release(lease: number): void {
    this.meter.release(lease);
  }
}
