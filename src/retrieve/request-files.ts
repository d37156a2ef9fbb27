/**
 * Files attached to a request: each is read and tokenized when a request first
 * names it, and kept so for the next.
 */
import type { Bindings } from '../bindings.ts';
import { loadModel } from '../model/record.ts';
import { type FileRecord, findKeptParts, keepParts, readOriginal } from '../store/files.ts';
import { UnreadableFile } from './parse/document.ts';
import { PARSER_VERSION, parse } from './parse/parse.ts';
import { type Part, partsOf } from './parts.ts';
import { rankParts } from './rank-parts.ts';
import type { Passage } from './search.ts';

export interface RequestFile {
  file: FileRecord;
  parts: Part[];
}

/** A part as it is kept. */
type KeptPart = Omit<Part, 'tokens'> & { tokens: number[] };

/** Characters by this are fewer than the tokens will be: no tokenizer packs prose so tightly. */
const MAX_CHARACTERS_PER_TOKEN = 16;

/** More than `most` tokens of text, at least `least`: the rest was not read. */
export class FilesTooLong extends Error {
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
 * Throws `UnreadableFile`, which names the file, and `FilesTooLong`.
 */
export async function readRequestFiles(
  env: Bindings,
  files: readonly FileRecord[],
  most: number,
): Promise<RequestFile[]> {
  const attached: RequestFile[] = [];
  let tokens = 0;
  for (const file of files) {
    try {
      const parts = await partsOfFile(env, file, tokens, most);
      tokens += lengthOf(parts);
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
  const kept = await findKeptParts(env, file);
  // Kept for another model, parser or cutting, it is of no use.
  if (kept?.label.made === made) {
    const least = before + kept.label.tokens;
    if (least > most) {
      await kept.leave();
      throw new FilesTooLong(least, most);
    }
    const parts = (await kept.read()) as KeptPart[];
    return parts.map((part) => ({ ...part, tokens: Int32Array.from(part.tokens) }));
  }
  await kept?.leave();
  const original = await readOriginal(env, file);
  if (!original) throw new UnreadableFile('invalid_file', 'the original is gone: upload it again');
  const parsed = await parse(await original.arrayBuffer(), file.filename, file.contentType);
  const least = before + Math.ceil(parsed.text.length / MAX_CHARACTERS_PER_TOKEN);
  if (least > most) throw new FilesTooLong(least, most);
  const parts = await partsOf(parsed, passageTokens, model.encodeUntrusted);
  if (parts.length === 0) throw new UnreadableFile('invalid_file', 'the file has no text');
  const record: KeptPart[] = parts.map((part) => ({ ...part, tokens: [...part.tokens] }));
  const tokens = lengthOf(parts);
  // Kept even if it is too long: the next request is refused before it is read.
  await keepParts(env, file, { made, tokens }, record);
  if (before + tokens > most) throw new FilesTooLong(before + tokens, most);
  return parts;
}

function lengthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.tokens.length, 0);
}

/** The parts that answer a question best, as passages: what a store's search would find. */
export async function searchRequestFiles(
  env: Bindings,
  attached: readonly RequestFile[],
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
