/** `npx espalier draft add`: puts a small model, in the worker's form, into the worker's bucket. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeModel } from '../gpu-backend/builder/add-model.ts';
import { buildEdgeForm } from '../gpu-backend/builder/edge-form.ts';
import { readModelFolder } from '../gpu-backend/builder/model-folder.ts';
import { DEFAULT_CACHE_FOLDER } from '../gpu-backend/engine/open.ts';
import {
  draftCacheBytes,
  MAX_DRAFT_BYTES,
  MAX_DRAFT_CACHE_BYTES,
  requireFitting,
} from '../src/generate/draft-model/draft-memory.ts';
import {
  type DraftFacts,
  type DraftRecord,
  DraftRefused,
  draftGraphKey,
  draftRecordKey,
} from '../src/store/drafts.ts';
import { putFile } from './bucket.ts';

/** With fewer positions than this a draft reads no prompt worth the name. */
const LEAST_POSITIONS = 512;
/** Characters of a name. */
const MAX_ID = 128;

/** A draft in the worker's form. */
interface Draft {
  record: DraftRecord;
  graph: Uint8Array;
}

/**
 * Puts the draft where a worker finds it for targets of its tokenizer, in place of
 * the one before.
 *
 * @param where 'remote', or the folder of a local state
 */
export function addDraft({ record, graph }: Draft, where: string): void {
  const staged = mkdtempSync(join(tmpdir(), 'espalier-draft-'));
  try {
    const files = { graph: join(staged, 'graph.onnx'), record: join(staged, 'draft.json') };
    writeFileSync(files.graph, graph);
    writeFileSync(files.record, JSON.stringify(record));
    putFile(where, draftGraphKey(record), files.graph);
    // Last: with it the draft is there.
    putFile(where, draftRecordKey(record.tokenizer), files.record);
  } finally {
    rmSync(staged, { recursive: true });
  }
}

/**
 * Rejects with `DraftRefused` for what the worker has no memory for, and with errors
 * that say what is wrong with the model.
 *
 * @param source a folder, a .gguf file, or what the hub has
 */
export async function buildDraft(source: string, layers?: number): Promise<Draft> {
  const path = await checkpointOf(source);
  const { config } = readModelFolder(path);
  if (config.vocabSize * config.hiddenSize > MAX_DRAFT_BYTES) {
    // Not built first: a real model's takes gigabytes.
    throw new DraftRefused(
      `${source} has a table of ${config.vocabSize} tokens by ${config.hiddenSize}, too large for the worker: ` +
        'take a smaller model, or let this one draft beside the verifier (ESPALIER_DRAFT)',
    );
  }
  const { graph, facts } = buildEdgeForm(path, layers);
  const record: DraftRecord = {
    ...facts,
    id: facts.id.replace(/[^\w.:@/-]/g, '-').slice(0, MAX_ID),
    positions: positionsOf(facts),
    graph: createHash('sha256').update(graph).digest('hex'),
    bytes: graph.length,
  };
  requireFitting(record, record.bytes);
  return { record, graph };
}

/** As many as the worker has memory for. */
function positionsOf(facts: DraftFacts): number {
  const most = Math.floor(MAX_DRAFT_CACHE_BYTES / draftCacheBytes(facts, 1));
  return Math.min(facts.positions, Math.max(LEAST_POSITIONS, most));
}

/** A folder is read where it lies; what else there is becomes one. */
async function checkpointOf(source: string): Promise<string> {
  if (existsSync(source) && statSync(source).isDirectory()) return source;
  const options = {
    cacheFolder: DEFAULT_CACHE_FOLDER,
    compute: 'float32',
    quantization: 'auto',
  } as const;
  return (await takeModel(source, options)).path;
}
