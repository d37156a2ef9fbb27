import type { Bindings } from '../bindings.ts';
import type { Tenant } from '../store/tenants.ts';

/** What Hono's context carries in this app. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    /** Whose request it is. Set before every /v1 route. */
    tenant: Tenant;
  };
}
