/** A question over a document as two prompts: the document whole, and the passages that are found in it. */
import type { Region, TokenRange } from '../../src/draft/drafter.ts';
import { composePrompt, composeWhole } from '../../src/generate/prompt.ts';
import { PromptLayout, type PromptModel } from '../../src/generate/prompt-layout.ts';
import type { ModelTokenizer } from '../../src/model/tokenizer.ts';
import { parse } from '../../src/retrieve/parse/parse.ts';
import { partsOf } from '../../src/retrieve/parts.ts';
import { rankParts } from '../../src/retrieve/rank-parts.ts';
import type { LongDocument } from './document.ts';

interface BenchPrompt {
  tokens: Int32Array;
  regions: Region[];
  excerpts: TokenRange[];
}

/** By what is in it of the document. */
export type BenchPrompts = Record<'all' | 'passages', BenchPrompt>;

/** What of a model prompts are made with. */
type Chat = Pick<ModelTokenizer, 'encodeUntrusted'> & {
  prompt: { passages: number; passageTokens: number };
} & PromptModel;

/**
 * Cuts and searches the document as the service does with a file that is attached to a
 * request. What is returned makes the prompts of `ask`, searching for `search`.
 */
export async function promptMaker(document: LongDocument, chat: Chat, most: number) {
  const { passages, passageTokens } = chat.prompt;
  const bytes = new TextEncoder().encode(document.text);
  const parsed = await parse(bytes.buffer, 'notes.md', 'text/markdown');
  const parts = await partsOf(parsed, passageTokens, chat.encodeUntrusted);
  return async function prompts(search: string, ask: string): Promise<BenchPrompts> {
    const messages = [{ role: 'user', content: ask }];
    const layout = await PromptLayout.of(chat, { messages }, most);
    const found = rankParts(parts, search, passages).map(({ part }) => part);
    const whole = parts.map((part) => ({ tokens: part.tokens, matches: found.includes(part) }));
    const read = found.map((part) => ({ ...part, tokens: chat.encodeUntrusted(part.text) }));
    return {
      all: await composeWhole(layout, [{ title: document.title, parts: whole }], [], most),
      passages: await composePrompt(layout, read, [], { comfortable: most, most }),
    };
  };
}
