/** Of workerd's types, those of an object's SQLite: all of them at once contradict Node's. */
import type * as workers from '@cloudflare/workers-types';

declare global {
  type SqlStorage = workers.SqlStorage;
  type SqlStorageValue = workers.SqlStorageValue;
}
