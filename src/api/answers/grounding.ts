/** What a conversation is answered from: stores, and files that the request brings. */
import type { Bindings } from '../../bindings.ts';
import type { Conversation } from '../../generate/request.ts';
import { demoProgress } from '../../store/demo.ts';
import { defaultStores, findStore } from '../../store/stores.ts';
import { LOCAL_TENANT, type Tenant } from '../../store/tenants.ts';
import { invalid, notFound, type Path, unavailable } from '../errors.ts';
import { type FileSearch, searchOptionsOf } from './file-search-tool.ts';
import { type NamedFile, requireFiles } from './request-files.ts';

interface GroundingFields {
  tools?: readonly { type: string }[] | null | undefined;
  vector_store_ids?: readonly string[] | null | undefined;
  context: 'passages' | 'full';
}

export interface Grounding {
  storeIds: readonly string[];
  search: Conversation['search'];
  files: Conversation['files'];
}

/**
 * Throws the `ApiFailure` of a store or a file that is not the tenant's.
 *
 * @param named files, in `file_ids` and in the messages
 * @param prompt where the messages are
 */
export async function groundingOf(
  env: Bindings,
  tenant: Tenant,
  body: GroundingFields,
  named: readonly NamedFile[],
  prompt: Path,
): Promise<Grounding> {
  const records = await requireFiles(env, tenant, named, prompt);
  if (body.context === 'full' && records.length === 0) {
    throw invalid(['context'], '"full" needs files: name them in file_ids');
  }
  const hasFiles = records.length > 0;
  return {
    storeIds: await storesOf(env, tenant, body, hasFiles),
    search: searchOptionsOf(fileSearchOf(body.tools)),
    files: hasFiles ? { records, whole: body.context === 'full' } : null,
  };
}

/** Named in the tool or beside it; a request that brings files and names none is answered from the files. */
async function storesOf(
  env: Bindings,
  tenant: Tenant,
  { tools, vector_store_ids }: GroundingFields,
  hasFiles: boolean,
): Promise<readonly string[]> {
  const tool = fileSearchOf(tools);
  if (!tool) return requireStores(env, tenant, vector_store_ids ?? (hasFiles ? [] : null));
  if (vector_store_ids) {
    throw invalid(['vector_store_ids'], 'name the stores here or in tools, not in both');
  }
  const path = ['tools', tools!.indexOf(tool), 'vector_store_ids'];
  return requireStores(env, tenant, tool.vector_store_ids, path);
}

/** The stores named at `path`, which must be the tenant's; its default where none are. */
export async function requireStores(
  env: Bindings,
  tenant: Tenant,
  named: readonly string[] | null | undefined,
  path: Path = ['vector_store_ids'],
): Promise<readonly string[]> {
  if (!named) return demoStores(env, tenant);
  const found = await Promise.all(named.map((id) => findStore(env, tenant.id, id)));
  const missing = named.find((_, i) => !found[i]);
  if (missing !== undefined) throw notFound(path, `there is no store "${missing}"`);
  return named;
}

/** Throws a 503 while the documents of a first start are read: half of them are no answer. */
async function demoStores(env: Bindings, tenant: Tenant): Promise<readonly string[]> {
  const progress = tenant.name === LOCAL_TENANT ? await demoProgress(env) : null;
  if (progress) throw unavailable(beingRead(progress));
  return defaultStores(env, tenant);
}

export function beingRead({ read, of }: { read: number; of: number }): string {
  return `the demo documents are being read, ${read} of ${of} so far: ask again in a moment`;
}

/** The tool that is searched with, of a request's tools. */
export function fileSearchOf(tools: GroundingFields['tools']): FileSearch | undefined {
  return tools?.find((tool): tool is FileSearch => tool.type === 'file_search');
}
