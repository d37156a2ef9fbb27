/**
 * Files attached to a request: each is read and tokenized when a request first
 * names it, and kept so for the next.
 */
import type { Bindings } from '../bindings.ts';
import { type FileRecord, keepParts, readKeptParts, readOriginal } from '../store/files.ts';
import { loadModel } from '../store/model.ts';
import { UnreadableFile } from './parse/document.ts';
import { PARSER_VERSION, parse } from './parse/parse.ts';
import { type Part, partsOf } from './parts.ts';
import { rankParts } from './rank-parts.ts';
import type { Passage } from './search.ts';

export interface AttachedFile {
  file: FileRecord;
  parts: Part[];
}

/** What is kept of a file: of use to the model, the parser and the cutting that made it. */
interface Kept {
  made: string;
  parts: (Omit<Part, 'tokens'> & { tokens: number[] })[];
}

/** Characters by this are fewer than the tokens will be: no tokenizer packs prose so tightly. */
const MAX_CHARACTERS_PER_TOKEN = 16;

/** More than `most` tokens of text, at least `least`: found out before they are counted. */
export class AttachedTooLong extends Error {
  readonly least: number;
  readonly most: number;
  constructor(least: number, most: number) {
    super(`the attached files have at least ${least} tokens, more than ${most}`);
    this.least = least;
    this.most = most;
  }
}

/**
 * In the order named, one after the other, as each is held in memory whole.
 * Throws `UnreadableFile`, which names the file, and `AttachedTooLong`.
 */
export async function readAttached(
  env: Bindings,
  files: readonly FileRecord[],
  most: number,
): Promise<AttachedFile[]> {
  const attached: AttachedFile[] = [];
  let tokens = 0;
  for (const file of files) {
    try {
      const parts = await partsOfFile(env, file, tokens, most);
      tokens += parts.reduce((sum, part) => sum + part.tokens.length, 0);
      attached.push({ file, parts });
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      throw new UnreadableFile(error.code, `${file.id}: ${error.message}`, error);
    }
  }
  return attached;
}

/** @param before tokens of other files. @param most those of all of them may have */
async function partsOfFile(
  env: Bindings,
  file: FileRecord,
  before: number,
  most: number,
): Promise<Part[]> {
  const model = await loadModel(env);
  const { passageTokens } = model.prompt;
  const made = [PARSER_VERSION, model.fingerprint.tokenizer, passageTokens].join(' ');
  const kept = (await readKeptParts(env, file)) as Kept | null;
  if (kept?.made === made) {
    return kept.parts.map((part) => ({ ...part, tokens: Int32Array.from(part.tokens) }));
  }
  const original = await readOriginal(env, file);
  if (!original) throw new UnreadableFile('invalid_file', 'the original is gone: upload it again');
  const parsed = await parse(await original.arrayBuffer(), file.filename, file.contentType);
  const least = before + Math.ceil(parsed.text.length / MAX_CHARACTERS_PER_TOKEN);
  if (least > most) throw new AttachedTooLong(least, most);
  const parts = partsOf(parsed, passageTokens, model.encodeUntrusted);
  if (parts.length === 0) throw new UnreadableFile('invalid_file', 'the file has no text');
  const record: Kept = {
    made,
    parts: parts.map((part) => ({ ...part, tokens: [...part.tokens] })),
  };
  await keepParts(env, file, record);
  return parts;
}

/** The parts that answer a question best, as passages: what a store's search would find. */
export async function searchAttached(
  env: Bindings,
  attached: readonly AttachedFile[],
  question: string,
  most: number,
): Promise<Passage[]> {
  const { encodeUntrusted } = await loadModel(env);
  const all = attached.flatMap(({ file, parts }) => parts.map((part) => ({ ...part, file })));
  return rankParts(all, question, most).map(({ part: { file, tokens: _, ...part }, score }) => ({
    ...part,
    id: null,
    fileId: file.id,
    fileName: file.filename,
    attributes: null,
    tokens: encodeUntrusted(part.text),
    score,
  }));
}
