/**
 * What a turn is answered from: passages that were found, or documents whole,
 * and the prompt made of them and the messages.
 */
import type { Bindings } from '../bindings.ts';
import type { ModelRecord } from '../model/record.ts';
import {
  type RequestFile,
  readRequestFiles,
  searchRequestFiles,
} from '../retrieve/request-files.ts';
import { type Passage, search } from '../retrieve/search.ts';
import type { Namespace } from '../store/tenants.ts';
import type { AnswerRequest } from './answer.ts';
import { barePrompt, composePrompt, composeWhole, encodeContents, type Prompt } from './prompt.ts';
import { tellOfTools } from './tools.ts';

/** Tokens of an answer when the request doesn't say. */
const DEFAULT_MAX_TOKENS = 256;
/** Passages beyond those in the prompt: the worker drafts from them too. */
const SPARE_PASSAGES = 3;
/** Of files that are searched for a request: beyond it a store does it better. */
const MAX_SEARCHED_TOKENS = 1 << 18;

/** A text that an answer may quote, and its place. */
export type Citable = Pick<
  Passage,
  'fileId' | 'fileName' | 'title' | 'heading' | 'text' | 'start' | 'end'
>;

export interface Material {
  prompt: Prompt;
  /** What the draft model reads in the prompt's place, where that has documents whole. */
  excerpt: Pick<Prompt, 'tokens' | 'regions'> | null;
  /** Found, the best first: those in the prompt, or of whole documents those in the excerpt. */
  passages: Passage[];
  /** All that the prompt has of documents. */
  citable: readonly Citable[];
  /** Passages found, in the prompt or not. */
  found: Passage[];
  maxTokens: number;
}

/** Throws `PromptTooLong`, `TooManyTokens`, and of attached files `FilesTooLong` and `UnreadableFile`. */
export async function gather(
  env: Bindings,
  namespace: Namespace,
  target: ModelRecord,
  asked: AnswerRequest,
): Promise<Material> {
  const { model, messages } = tellOfTools(target, asked.messages, asked.functions ?? []);
  const request = { ...asked, messages };
  const { prompt: bare, attached, storeIds, query } = request;
  const most = model.maxContext - 1;
  if (bare) return material(model, request, barePrompt(bare, most), []);
  // First: what can't fit is not worth a search.
  const contents = await encodeContents(model, messages, most);
  const wanted = passagesIn(model, request) + SPARE_PASSAGES;
  const isWhole = attached?.whole === true;
  const [stored, files] = await Promise.all([
    search(env, namespace, storeIds, query, wanted, request.search),
    attached ? readRequestFiles(env, attached.files, isWhole ? most : MAX_SEARCHED_TOKENS) : [],
  ]);
  const own = await searchRequestFiles(env, files, query, wanted);
  if (isWhole) return whole(model, request, contents, files, own, stored);
  const found = [...own, ...stored].slice(0, wanted);
  const kept = found.slice(0, passagesIn(model, request));
  const spare = found.slice(kept.length);
  const room = { comfortable: comfortable(model, request), most };
  const prompt = composePrompt(model, messages, contents, kept, spare, room);
  return material(model, request, prompt, found);
}

/** Stores that are searched beside whole documents are drafted from, and not in the prompt. */
function whole(
  model: ModelRecord,
  request: AnswerRequest,
  contents: readonly Int32Array[],
  files: readonly RequestFile[],
  own: Passage[],
  stored: readonly Passage[],
): Material {
  const { messages } = request;
  const documents = files.map(({ parts }) => ({
    title: parts[0]!.title,
    parts: parts.map(({ tokens }) => tokens),
  }));
  const prompt = composeWhole(model, messages, contents, documents, stored, model.maxContext - 1);
  const passages = own.slice(0, passagesIn(model, request));
  const anyLength = { comfortable: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };
  return {
    ...material(model, request, prompt, [...stored]),
    excerpt: composePrompt(model, messages, contents, passages, [], anyLength),
    passages,
    citable: files.flatMap(({ file, parts }) =>
      parts.map((part) => ({ ...part, fileId: file.id, fileName: file.filename })),
    ),
  };
}

function material(
  model: ModelRecord,
  request: AnswerRequest,
  prompt: Prompt,
  found: Passage[],
): Material {
  const passages = found.slice(0, prompt.fitting);
  const wanted = request.maxTokens ?? DEFAULT_MAX_TOKENS;
  const maxTokens = Math.min(wanted, model.maxContext - prompt.tokens.length);
  return { prompt, excerpt: null, passages, citable: passages, found, maxTokens };
}

/** As many as the model was made for, or fewer where the request says so. */
function passagesIn({ prompt }: ModelRecord, { search }: AnswerRequest): number {
  return Math.min(prompt.passages, search?.limit ?? prompt.passages);
}

/**
 * Tokens up to which passages are added: within the trained context, as the model
 * is worse beyond it; messages alone may take the whole context.
 */
function comfortable(model: ModelRecord, { maxTokens }: AnswerRequest): number {
  // A ceiling of thousands is no reason to leave out the documents: answers are rarely that long.
  const reserved = Math.min(maxTokens ?? DEFAULT_MAX_TOKENS, DEFAULT_MAX_TOKENS);
  return Math.min(model.trainedContext, model.maxContext) - reserved;
}
