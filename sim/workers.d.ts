/** Of workerd’s types, those that code outside of the worker names too, to run it on stand-ins: all of them at once contradict Node’s. */
import type * as workers from '@cloudflare/workers-types';

declare global {
  type SqlStorage = workers.SqlStorage;
  type SqlStorageValue = workers.SqlStorageValue;
  type D1Database = workers.D1Database;
  type R2Bucket = workers.R2Bucket;
  type R2PutOptions = workers.R2PutOptions;
  type FixedLengthStream = workers.FixedLengthStream;
  const FixedLengthStream: typeof workers.FixedLengthStream;
  type Fetcher = workers.Fetcher;
  type DurableObjectNamespace<T extends Rpc.DurableObjectBranded | undefined = undefined> =
    workers.DurableObjectNamespace<T>;
  namespace Rpc {
    type DurableObjectBranded = workers.Rpc.DurableObjectBranded;
  }
}
