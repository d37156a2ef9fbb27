/** Waiting files to passages in the index, some together: what they cost is mostly waiting for D1 and R2. */
import type { Bindings } from '../bindings.ts';
import { loadModel, type ModelRecord } from '../model/record.ts';
import { pause } from '../pause.ts';
import {
  findDocuments,
  type Makers,
  type NewDocument,
  writeDocuments,
} from '../store/documents.ts';
import { type FileRecord, hasText, readOriginal, writeText } from '../store/files.ts';
import { sha256 } from '../store/ids.ts';
import type { Waiting } from '../store/ingestion-queue.ts';
import type { StoreFileRecord } from '../store/stores.ts';
import { type Chunk, type Cutting, chunk } from './chunk.ts';
import { embedderOf } from './embed/choose.ts';
import { type Embedder, passageText } from './embed/embedder.ts';
import { UnreadableFile } from './parse/document.ts';
import { noticeOf } from './parse/left-out.ts';
import { PARSER_VERSION, parse } from './parse/parse.ts';
import { pack } from './vectors/quantise.ts';
import { indexedWords } from './word-index.ts';

/** Passages that one file may give: about 100 MB of text. */
const MAX_PASSAGES = 200_000;

/** Passages of all files: texts of like length among them share a run of the encoder. */
const EMBEDDED_TOGETHER = 256;

/** Passages whose words are made between two pauses: a few milliseconds of work. */
const INDEXED_A_SLICE = 1_024;

/** Of a passage, repeated at the start of the next where the request doesn't say. */
const DEFAULT_OVERLAP = 0.15;

/** A file that can't be ingested, by its own fault. */
export interface Refused {
  attachment: StoreFileRecord;
  reason: UnreadableFile;
}

/** A file whose content is to be a document, cut one way. */
interface Planned {
  attachment: StoreFileRecord;
  file: FileRecord;
  cutting: Cutting;
  key: string;
}

/**
 * Ingests the files, all of one tenant, and gives those it can't. Idempotent: the
 * same content, name and cutting give the document that is there. Throws for what
 * is not a file's fault; then nothing, or only a part that is never searched, is there.
 */
export async function ingest(env: Bindings, files: readonly Waiting[]): Promise<Refused[]> {
  const model = await loadModel(env);
  const refused: Refused[] = [];
  const planned: Planned[] = [];
  for (const { attachment, file } of files) {
    if (file) planned.push(await plan(attachment, file, model));
    else
      refused.push({
        attachment,
        reason: new UnreadableFile('invalid_file', 'the file has been deleted'),
      });
  }
  const tenantId = files[0]!.attachment.tenantId;
  const known = await findDocuments(env, tenantId, [...new Set(planned.map(({ key }) => key))]);
  const cut = new Map<string, Cut>();
  const holders: Planned[] = [];
  await Promise.all(
    planned.map(async (one) => {
      try {
        const made = await readAndCut(env, one, model, known.get(one.key)?.complete === true);
        // Files of one content, taken together, are one document.
        if (made) cut.set(one.key, made);
        holders.push(one);
      } catch (error) {
        if (!(error instanceof UnreadableFile)) throw error;
        refused.push({ attachment: one.attachment, reason: error });
      }
    }),
  );
  const [documents, embedder] = await withVectors(cut, await embedderOf(env));
  const makers: Makers = { tokenizer: model.fingerprint.tokenizer, embedder };
  const held = holders.map(({ attachment: { storeId, fileId }, key }) => ({
    storeId,
    fileId,
    key,
  }));
  if (held.length > 0) await writeDocuments(env, tenantId, makers, documents, held);
  return refused;
}

async function plan(attachment: StoreFileRecord, file: FileRecord, model: ModelRecord) {
  const maxTokens = attachment.chunkTokens ?? model.prompt.passageTokens;
  const cutting: Cutting = {
    maxTokens,
    overlapTokens: attachment.overlapTokens ?? Math.floor(maxTokens * DEFAULT_OVERLAP),
  };
  const content = [PARSER_VERSION, file.contentHash, file.filename, file.contentType, cutting];
  return { attachment, file, cutting, key: await sha256(JSON.stringify(content)) };
}

interface Cut {
  passages: readonly Chunk[];
  notice: string | null;
}

/** The file's passages, its text kept; null where the document and the text are there already. */
async function readAndCut(
  env: Bindings,
  { file, cutting }: Planned,
  model: ModelRecord,
  known: boolean,
): Promise<Cut | null> {
  if (known && (await hasText(env, file))) return null;
  const original = await readOriginal(env, file);
  if (!original) throw new UnreadableFile('invalid_file', 'the original is gone: upload it again');
  const parsed = await parse(await original.arrayBuffer(), file.filename, file.contentType);
  if (known) {
    await writeText(env, file, parsed.text);
    return null;
  }
  const passages: Chunk[] = [];
  for (const made of chunk(parsed, cutting, model.encodeUntrusted)) {
    passages.push(...made);
    if (passages.length > MAX_PASSAGES) {
      throw new UnreadableFile(
        'invalid_file',
        `the file gives more than ${MAX_PASSAGES} passages: split it`,
      );
    }
    await pause();
  }
  if (passages.length === 0) throw new UnreadableFile('invalid_file', 'the file has no text');
  await writeText(env, file, parsed.text);
  return { passages, notice: noticeOf(parsed.leftOut) };
}

/** Documents with their passages' vectors, and whose vectors these are. */
async function withVectors(
  cut: ReadonlyMap<string, Cut>,
  embedder: Embedder | null,
): Promise<[NewDocument[], string | null]> {
  const all = [...cut.values()].flatMap(({ passages }) => passages);
  const packed = embedder && (await embedAll(embedder, all));
  const vectors = packed?.values();
  const documents: NewDocument[] = [];
  let made = 0;
  for (const [key, { passages, notice }] of cut) {
    const whole: NewDocument['passages'][number][] = [];
    for (const passage of passages) {
      const words = indexedWords(passage);
      whole.push({ ...passage, words, vector: vectors?.next().value ?? null });
      if (++made % INDEXED_A_SLICE === 0) await pause();
    }
    documents.push({ key, notice, passages: whole });
  }
  return [documents, packed ? embedder.space : null];
}

/** Packed vectors in the passages' order; null when the embedder fails: the passages get theirs later. */
async function embedAll(embedder: Embedder, passages: readonly Chunk[]) {
  const packed: Uint8Array[] = [];
  try {
    for (let from = 0; from < passages.length; from += EMBEDDED_TOGETHER) {
      const texts = passages.slice(from, from + EMBEDDED_TOGETHER).map(passageText);
      for (const { vector } of await embedder.embed(texts, 'passage')) packed.push(pack(vector));
    }
    return packed;
  } catch (error) {
    console.error(JSON.stringify({ event: 'embedding_failed', error: String(error) }));
    return null;
  }
}
