/** One attached file to passages in the index. */
import type { Bindings } from '../bindings.ts';
import { attachDocument, findDocument, writeDocument } from '../store/documents.ts';
import { type FileRecord, findFile, readOriginal, writeText } from '../store/files.ts';
import { sha256 } from '../store/ids.ts';
import { loadModel } from '../store/model.ts';
import type { StoreFileRecord } from '../store/stores.ts';
import { type Chunk, type Cutting, chunk } from './chunk.ts';
import { embedderOf } from './embed/choose.ts';
import { type Embedder, passageText } from './embed/embedder.ts';
import { type ParsedDocument, UnreadableFile } from './parse/document.ts';
import { PARSER_VERSION, parse } from './parse/parse.ts';
import { pack } from './vectors/quantise.ts';

/** Passages that one file may give: about 100 MB of text. */
export const MAX_PASSAGES = 200_000;

/** Of a passage, repeated at the start of the next where the request doesn't say. */
const DEFAULT_OVERLAP = 0.15;

/** By document key, when its last writer is done: files of one content, taken together, write it once. */
export type Turns = Map<string, Promise<void>>;

/**
 * Idempotent: the same content, name and cutting give the document that is
 * there. Throws `UnreadableFile` for the file's faults, anything else for ours.
 */
export async function ingest(
  env: Bindings,
  attachment: StoreFileRecord,
  turns: Turns,
): Promise<void> {
  const file = await findFile(env, attachment.tenantId, attachment.fileId);
  if (!file) throw new UnreadableFile('invalid_file', 'the file has been deleted');
  const model = await loadModel(env);
  const maxTokens = attachment.chunkTokens ?? model.prompt.passageTokens;
  const cutting: Cutting = {
    maxTokens,
    overlapTokens: attachment.overlapTokens ?? Math.floor(maxTokens * DEFAULT_OVERLAP),
  };
  const embedder = await embedderOf(env);
  const content = [PARSER_VERSION, file.contentHash, file.filename, file.contentType, cutting];
  const key = await sha256(JSON.stringify([...content, embedder?.id ?? null]));

  const turn = (turns.get(key) ?? Promise.resolve()).then(async () => {
    await attachDocument(env, attachment, await documentOf(env, file, key, cutting));
  });
  // Whoever comes next waits for the end, whatever it is.
  turns.set(
    key,
    turn.catch(() => {}),
  );
  await turn;
}

/** The document with that key, made if it isn't there. */
async function documentOf(
  env: Bindings,
  file: FileRecord,
  key: string,
  cutting: Cutting,
): Promise<number> {
  const [model, embedder] = [await loadModel(env), await embedderOf(env)];
  const existing = await findDocument(env, file.tenantId, key);
  if (existing?.complete) return existing.id;
  const original = await readOriginal(env, file);
  if (!original) throw new UnreadableFile('invalid_file', 'the original is gone: upload it again');
  const parsed = await parse(await original.arrayBuffer(), file.filename, file.contentType);
  const passages: Chunk[] = [];
  for (const passage of chunk(parsed, cutting, model.encodeUntrusted)) {
    if (passages.length === MAX_PASSAGES) {
      throw new UnreadableFile(
        'invalid_file',
        `the file gives more than ${MAX_PASSAGES} passages: split it`,
      );
    }
    passages.push(passage);
  }
  if (passages.length === 0) throw new UnreadableFile('invalid_file', 'the file has no text');
  await writeText(env, file, parsed.text);
  return writeDocument(env, file.tenantId, key, {
    tokenizer: model.fingerprint.tokenizer,
    embedder: embedder?.id ?? null,
    passages: await withVectors(passages, embedder),
    notice: noticeOf(parsed),
  });
}

async function withVectors(passages: readonly Chunk[], embedder: Embedder | null) {
  if (!embedder) return passages.map((passage) => ({ ...passage, vector: null }));
  const embeddings = await embedder.embed(passages.map(passageText), 'passage');
  return passages.map((passage, i) => ({ ...passage, vector: pack(embeddings[i]!.vector) }));
}

/** Named in a notice; of the others, only how many. */
const MAX_NAMED = 5;

function noticeOf({ skipped = [] }: ParsedDocument): string | null {
  if (skipped.length === 0) return null;
  const named = skipped.slice(0, MAX_NAMED).map(({ name, reason }) => `${name} (${reason})`);
  const more = skipped.length > MAX_NAMED ? ` and ${skipped.length - MAX_NAMED} more` : '';
  return `left out of the archive: ${named.join('; ')}${more}`;
}
