/** Asks the objects of test/memory/objects.ts from outside. */
import { sharedObjects } from '../support/shared-service.ts';
import { fromText, toText } from './typed-json.ts';

export interface Objects {
  /** Calls a method of a named object. Rejects with what it threw. */
  call<T>(binding: string, object: string, method: string, ...args: unknown[]): Promise<T>;
  sql<T = unknown>(sql: string): Promise<T[]>;
  bucket<T = unknown>(action: string): Promise<T>;
  /** Writes a document of one passage into D1. */
  write(tenantId: number, key: string): Promise<void>;
  /** Deletes a tenant's documents that no store holds. */
  purge(tenantId: number): Promise<void>;
  /** The id of a tenant that no other test has. */
  nextTenant(): number;
}

export async function askObjects(): Promise<Objects> {
  const { runtimeUrl, firstTenant } = await sharedObjects();
  let tenant = firstTenant;
  async function post(body: object): Promise<unknown> {
    // Behind the front, which would put its own words in place of what the object threw.
    const response = await fetch(runtimeUrl, { method: 'POST', body: toText(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return fromText(text);
  }
  return {
    call: (binding, object, method, ...args) =>
      post({ binding, object, method, args }) as Promise<never>,
    sql: (sql) => post({ sql }) as Promise<never>,
    bucket: (bucket) => post({ bucket }) as Promise<never>,
    write: (tenantId, key) => post({ write: { tenantId, key } }) as Promise<never>,
    purge: (purge) => post({ purge }) as Promise<never>,
    nextTenant: () => tenant++,
  };
}
