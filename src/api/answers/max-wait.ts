/** How long a request waits for a slot, as its header `x-espalier-max-wait` says. */
import type { Context } from 'hono';
import { DEFAULT_MAX_WAIT_MS } from '../../generate/request.ts';
import { MAX_WAIT_MS } from '../../link/protocol/index.ts';
import type { AppEnv } from '../context.ts';
import { invalid } from '../errors.ts';

const HEADER = 'x-espalier-max-wait';
const MAX_SECONDS = MAX_WAIT_MS / 1000;

/** Milliseconds. Throws the `ApiFailure` of one that can't be meant. */
export function maxWaitMs(c: Context<AppEnv>): number {
  const value = c.req.header(HEADER);
  if (value === undefined) return DEFAULT_MAX_WAIT_MS;
  const seconds = /^\d{1,3}(\.\d{1,3})?$/.test(value) ? Number(value) : Number.NaN;
  if (!(seconds <= MAX_SECONDS)) {
    throw invalid([], `${HEADER}: seconds from 0 to ${MAX_SECONDS}, not "${value.slice(0, 32)}"`);
  }
  return Math.round(seconds * 1000);
}
