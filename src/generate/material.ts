/**
 * What a turn is answered from: passages that were found, or documents whole,
 * and the prompt made of them and the messages.
 */
import type { ModelRecord } from '../model/record.ts';
import {
  type RequestFile,
  readRequestFiles,
  searchRequestFiles,
} from '../retrieve/request-files.ts';
import { type Passage, search } from '../retrieve/search.ts';
import { barePrompt, composePrompt, composeWhole, type Prompt } from './prompt.ts';
import { PromptLayout } from './prompt-layout.ts';
import type { AnswerContext, Conversation, GenerationRequest } from './request.ts';
import { describeTools } from './tools.ts';

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

/** What each prompt of the request is answered from. Throws `PromptTooLong`, `TooManyTokens`, and of files `FilesTooLong` and `UnreadableFile`. */
export async function gather(
  context: AnswerContext,
  request: GenerationRequest,
): Promise<Material[]> {
  const { input } = request;
  if (input.kind === 'conversation') return [await gatherConversation(context, request, input)];
  const { model } = context;
  return input.prompts.map((tokens) =>
    materialOf(model, request, barePrompt(tokens, model.maxContext - 1), []),
  );
}

async function gatherConversation(
  { env, namespace, model }: AnswerContext,
  request: GenerationRequest,
  { messages, variables, functions, query, search: options, files }: Conversation,
): Promise<Material> {
  const described = { ...describeTools(model, messages, functions), variables };
  const most = model.maxContext - 1;
  // First: what can't fit is not worth a search.
  const layout = await PromptLayout.of(model, described, most);
  const inPrompt = passagesIn(model, options.limit);
  const wanted = inPrompt + SPARE_PASSAGES;
  const readLimit = files?.whole ? most : MAX_SEARCHED_TOKENS;
  const [stored, read] = await Promise.all([
    search(env, namespace, request.storeIds, query, wanted, options),
    files ? readRequestFiles(env, files.records, readLimit) : [],
  ]);
  const own = await searchRequestFiles(env, read, query, wanted);
  if (files?.whole) return wholeFiles(layout, model, request, read, own.slice(0, inPrompt), stored);
  const found = [...own, ...stored].slice(0, wanted);
  const room = { comfortable: comfortable(model, request), most };
  const prompt = await composePrompt(layout, found.slice(0, inPrompt), found.slice(inPrompt), room);
  return materialOf(model, request, prompt, found);
}

/** Stores that are searched beside whole documents are drafted from, and not in the prompt. */
async function wholeFiles(
  layout: PromptLayout,
  model: ModelRecord,
  request: GenerationRequest,
  files: readonly RequestFile[],
  passages: Passage[],
  stored: readonly Passage[],
): Promise<Material> {
  const documents = files.map(({ file, parts }) => ({
    title: parts[0]!.title,
    parts: parts.map(({ tokens, start }) => ({
      tokens,
      matches: passages.some((found) => found.fileId === file.id && found.start === start),
    })),
  }));
  const prompt = await composeWhole(layout, documents, stored, model.maxContext - 1);
  const anyLength = { comfortable: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };
  return {
    ...materialOf(model, request, prompt, [...stored]),
    excerpt: await composePrompt(layout, passages, [], anyLength),
    passages,
    citable: files.flatMap(({ file, parts }) =>
      parts.map((part) => ({ ...part, fileId: file.id, fileName: file.filename })),
    ),
  };
}

function materialOf(
  model: ModelRecord,
  request: GenerationRequest,
  prompt: Prompt,
  found: Passage[],
): Material {
  const passages = found.slice(0, prompt.fitting);
  const wanted = request.maxTokens ?? DEFAULT_MAX_TOKENS;
  const maxTokens = Math.min(wanted, model.maxContext - prompt.tokens.length);
  return { prompt, excerpt: null, passages, citable: passages, found, maxTokens };
}

/** As many as the model was made for, or fewer where the request says so. */
function passagesIn({ prompt }: ModelRecord, limit = prompt.passages): number {
  return Math.min(prompt.passages, limit);
}

/**
 * Tokens up to which passages are added: within the trained context, as the model
 * is worse beyond it; messages alone may take the whole context.
 */
function comfortable(model: ModelRecord, { maxTokens }: GenerationRequest): number {
  // A ceiling of thousands is no reason to leave out the documents: answers are rarely that long.
  const reserved = Math.min(maxTokens ?? DEFAULT_MAX_TOKENS, DEFAULT_MAX_TOKENS);
  return Math.min(model.trainedContext, model.maxContext) - reserved;
}
