/** What the three ways to attach files to a store have in common. */
import type { Context } from 'hono';
import * as v from 'valibot';
import { ownedFiles } from '../../store/stores.ts';
import type { AppEnv } from '../context.ts';
import { invalid, notFound } from '../errors.ts';

export const MAX_BATCH_FILES = 500;
const POLL_AFTER_MS = 100;
const MIN_CHUNK_TOKENS = 100;
const MAX_CHUNK_TOKENS = 4096;

export const fileIds = v.pipe(
  v.array(v.string()),
  v.maxLength(MAX_BATCH_FILES, `at most ${MAX_BATCH_FILES} files at a time`),
);

export const attributes = v.nullable(
  v.pipe(
    v.record(
      v.pipe(v.string(), v.maxLength(64, 'keys have at most 64 characters')),
      v.union([
        v.pipe(v.string(), v.maxLength(512, 'values have at most 512 characters')),
        v.number(),
        v.boolean(),
      ]),
    ),
    v.maxEntries(16, 'at most 16 entries'),
  ),
);

export const attachmentChange = v.strictObject({ attributes });

export const chunkingStrategy = v.variant('type', [
  v.strictObject({ type: v.literal('auto') }),
  v.strictObject({
    type: v.literal('static'),
    static: v.strictObject({
      max_chunk_size_tokens: v.pipe(
        v.number(),
        v.integer(),
        v.minValue(MIN_CHUNK_TOKENS, `must be ${MIN_CHUNK_TOKENS} to ${MAX_CHUNK_TOKENS}`),
        v.maxValue(MAX_CHUNK_TOKENS, `must be ${MIN_CHUNK_TOKENS} to ${MAX_CHUNK_TOKENS}`),
      ),
      chunk_overlap_tokens: v.pipe(v.number(), v.integer(), v.minValue(0)),
    }),
  }),
]);

export type ChunkingStrategy = v.InferOutput<typeof chunkingStrategy>;

export function toCutting(strategy: ChunkingStrategy | undefined) {
  if (strategy?.type !== 'static') return { chunkTokens: null, overlapTokens: null };
  const { max_chunk_size_tokens: size, chunk_overlap_tokens: overlap } = strategy.static;
  if (overlap > size / 2) {
    const param = 'chunking_strategy.static.chunk_overlap_tokens';
    throw invalid(param, `${param}: must be at most half of max_chunk_size_tokens`);
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
  if (missing !== undefined) throw notFound(`no file "${missing}"`, 'file_ids');
}
