/** What the three ways to attach files to a store have in common. */
import type { Context } from 'hono';
import { ownedFiles } from '../../store/stores.ts';
import type { AppEnv } from '../context.ts';
import { invalid, notFound } from '../errors.ts';
import type { ChunkingStrategy } from './schema.ts';

const POLL_AFTER_MS = 100;

export function toCutting(strategy: ChunkingStrategy | undefined) {
  if (strategy?.type !== 'static') return { chunkTokens: null, overlapTokens: null };
  const { max_chunk_size_tokens: size, chunk_overlap_tokens: overlap } = strategy.static;
  if (overlap > size / 2) {
    const path = ['chunking_strategy', 'static', 'chunk_overlap_tokens'];
    throw invalid(path, 'must be at most half of max_chunk_size_tokens');
  }
  return { chunkTokens: size, overlapTokens: overlap };
}

/** Asks SDKs that poll an ingestion to come back sooner than their five seconds. */
export function pollSoon(c: Context<AppEnv>, status: string): void {
  if (status === 'in_progress') c.header('openai-poll-after-ms', String(POLL_AFTER_MS));
}

/** Throws a 404 that names the first file which isn't the tenant's. */
export async function requireOwnFiles(c: Context<AppEnv>, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const owned = await ownedFiles(c.env, c.var.tenant.id, ids);
  const missing = ids.find((id) => !owned.has(id));
  if (missing !== undefined) throw notFound(['file_ids'], `no file "${missing}"`);
}
