/** /v1/vector_stores: named sets of files that a search or a chat can be pointed at. */
import { type Context, Hono } from 'hono';
import { startIngestion } from '../../retrieve/wake.ts';
import { attachFiles } from '../../store/attachments.ts';
import {
  createStore,
  deleteStore,
  findStore,
  listStores,
  measureStores,
  type StoreRecord,
  updateStore,
} from '../../store/stores.ts';
import { readBody, readQuery } from '../body/read.ts';
import type { AppEnv } from '../context.ts';
import { invalid, notFound, type Path } from '../errors.ts';
import { listPage, pageQuery } from '../page.ts';
import { requireOwnFiles, toCutting } from './attachment.ts';
import { storeChange, storeCreation } from './schema.ts';
import { toVectorStore } from './wire.ts';

export const vectorStores = new Hono<AppEnv>();

vectorStores.post('/', async function createVectorStore(c) {
  const body = await readBody(c, storeCreation);
  const { tenant } = c.var;
  // All that may be refused comes first: a refused request leaves no store behind.
  const cutting = toCutting(body.chunking_strategy);
  if (body.chunking_strategy && body.file_ids.length === 0) {
    throw invalid(
      ['chunking_strategy'],
      'is of the files in file_ids: name some, or send it when you attach them',
    );
  }
  await requireOwnFiles(c, body.file_ids);
  const store = await createStore(c.env, tenant, {
    name: body.name ?? '',
    description: body.description ?? null,
    metadata: body.metadata ?? null,
    expiresAfterDays: body.expires_after?.days ?? null,
  });
  if (body.file_ids.length > 0) {
    const attachments = body.file_ids.map((fileId) => ({ fileId, attributes: null, ...cutting }));
    await attachFiles(c.env, store, attachments, null);
    await startIngestion(c.env, tenant.id);
  }
  return c.json(await describe(c, store));
});

vectorStores.get('/', async function listVectorStores(c) {
  const stores = listStores(c.env, c.var.tenant, readQuery(c, pageQuery));
  return c.json(await listPage(stores, ({ store, measure }) => toVectorStore(store, measure)));
});

vectorStores.get('/:store', async function getVectorStore(c) {
  return c.json(await describe(c, await requireStore(c, c.req.param('store'))));
});

vectorStores.post('/:store', async function modifyVectorStore(c) {
  const store = await requireStore(c, c.req.param('store'));
  const body = await readBody(c, storeChange);
  const updated = await updateStore(c.env, store, {
    ...(body.name === undefined ? {} : { name: body.name ?? '' }),
    ...(body.description === undefined ? {} : { description: body.description }),
    ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
    ...(body.expires_after === undefined
      ? {}
      : { expiresAfterDays: body.expires_after?.days ?? null }),
  });
  return c.json(await describe(c, updated ?? store));
});

vectorStores.delete('/:store', async function removeVectorStore(c) {
  const store = await requireStore(c, c.req.param('store'));
  await deleteStore(c.env, store);
  return c.json({ id: store.id, object: 'vector_store.deleted', deleted: true });
});

/** The tenant's store. One of another tenant does not exist. */
export async function requireStore(
  c: Context<AppEnv>,
  id: string,
  path: Path = [],
): Promise<StoreRecord> {
  const store = await findStore(c.env, c.var.tenant.id, id);
  if (!store) throw notFound(path, `no vector store "${id}"`);
  return store;
}

async function describe(c: Context<AppEnv>, store: StoreRecord) {
  const measures = await measureStores(c.env, [store.id]);
  return toVectorStore(store, measures.get(store.id)!);
}
