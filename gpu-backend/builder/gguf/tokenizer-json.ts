/** Parts of a tokenizer.json that every kind of vocabulary has. */
import type { Metadata } from './metadata.ts';
import { type GgufVocabulary, specialTokenId, TokenKind } from './vocabulary.ts';

/** As `@huggingface/tokenizers` reads it. */
export interface TokenizerJson {
  version: '1.0';
  truncation: null;
  padding: null;
  added_tokens: AddedToken[];
  normalizer: object | null;
  pre_tokenizer: object | null;
  post_processor: object | null;
  decoder: object;
  model: { type: 'BPE'; vocab: Record<string, number>; [option: string]: unknown };
}

export interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

/** Ids of the tokens that `has` says yes to. Any text may be one, "__proto__" too. */
export function idsByText(
  { texts, kinds }: GgufVocabulary,
  has: (kind: number, id: number) => boolean,
): Record<string, number> {
  const entries = texts.map((text, id): [string, number] => [text, id]);
  return Object.fromEntries(entries.filter(([, id]) => has(kinds[id]!, id)));
}

/** Tokens that are found in a text before it is cut into words. */
export function addedTokens({ texts, kinds }: GgufVocabulary): AddedToken[] {
  const added: AddedToken[] = [];
  texts.forEach((content, id) => {
    const special = kinds[id] === TokenKind.control || kinds[id] === TokenKind.unknown;
    if (!special && kinds[id] !== TokenKind.userDefined) return;
    const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    added.push({ id, content, ...plain, special });
  });
  return added;
}

/** Puts BOS before a text and EOS after it, as the file asks for; null where it asks for neither. */
export function templateProcessor(
  metadata: Metadata,
  { texts }: GgufVocabulary,
  addBosByDefault: boolean,
): object | null {
  const addBos = metadata.flag('tokenizer.ggml.add_bos_token') ?? addBosByDefault;
  const addEos = metadata.flag('tokenizer.ggml.add_eos_token') ?? false;
  const before = addBos ? specialTokenId(metadata, 'bos') : undefined;
  const behind = addEos ? specialTokenId(metadata, 'eos') : undefined;
  const ids = [before, behind].filter((id) => id !== undefined);
  if (ids.length === 0) return null;
  const token = (id: number | undefined) =>
    id === undefined ? [] : [{ SpecialToken: { id: texts[id], type_id: 0 } }];
  const around = (sequence: object[]) => [...token(before), ...sequence, ...token(behind)];
  const text = (id: 'A' | 'B') => ({ Sequence: { id, type_id: 0 } });
  return {
    type: 'TemplateProcessing',
    single: around([text('A')]),
    pair: around([text('A'), text('B')]),
    special_tokens: Object.fromEntries(
      ids.map((id) => [texts[id], { id: texts[id], ids: [id], tokens: [texts[id]] }]),
    ),
  };
}
