import type { Bindings } from '../bindings.ts';
import type { KeyLimits } from '../store/objects/limiter.ts';
import type { KeyScope } from '../store/schema.ts';
import type { Tenant } from '../store/tenants.ts';

/** Who sent the request. */
export interface Caller {
  tenant: Tenant;
  scopes: readonly KeyScope[];
  /** Null for a program on the worker's own machine. */
  keyId: number | null;
  limits: KeyLimits | null;
}

/** What Hono's context carries in this app. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    /** When the request came, in milliseconds. */
    startedAt: number;
    /** Aborted when the client leaves before its answer begins. */
    clientLeft: AbortSignal;
    /** Set before every route under /v1. */
    caller: Caller;
    /** What the request counts for at its key's limiter, where it has a key. */
    lease?: number;
    /** Of an answer that is streamed: over when its client has taken the last byte, or has gone. */
    sent?: Promise<void>;
    /** The caller's. */
    tenant: Tenant;
  };
}
