/** The vocabulary in a GGUF file's metadata: a text, a kind and a score for every token id. */
import { GgufError } from './gguf-error.ts';
import type { Metadata } from './metadata.ts';

/** llama.cpp's kinds of tokens. */
export const TokenKind = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

export interface GgufVocabulary {
  texts: readonly string[];
  /** Of TokenKind. */
  kinds: readonly number[];
}

/** Of a special token in `tokenizer.ggml.<name>_token_id`. */
export type SpecialToken = 'bos' | 'eos' | 'eot' | 'eom' | 'unknown' | 'padding';

export function readVocabulary(metadata: Metadata): GgufVocabulary {
  // Tokens without a text are holes in the numbering; each needs a name of its own.
  const texts = metadata
    .texts('tokenizer.ggml.tokens')
    .map((text, id) => (text === '' ? `[EMPTY_${id}]` : text));
  const kinds =
    metadata.optionalNumbers('tokenizer.ggml.token_type') ?? texts.map(() => TokenKind.normal);
  if (kinds.length !== texts.length) {
    throw new GgufError(`has ${texts.length} tokens but ${kinds.length} token types`);
  }
  const known = new Set<string>();
  for (const text of texts) {
    if (known.has(text)) throw new GgufError(`has the token "${text}" twice`);
    known.add(text);
  }
  return { texts, kinds };
}

/** How converters have written that there is none: -1, and as an unsigned number. */
const NONE = [-1, 2 ** 32 - 1];

/** SentencePiece's own numbers, as llama.cpp takes them where a file names none. */
const SENTENCEPIECE: Partial<Record<SpecialToken, number>> = { unknown: 0, bos: 1, eos: 2 };

/** The id, or undefined where the file names none. Throws GgufError for one outside the vocabulary. */
export function specialTokenId(metadata: Metadata, name: SpecialToken): number | undefined {
  const key = `tokenizer.ggml.${name}_token_id`;
  const id = metadata.optionalNumber(key) ?? usualId(metadata, name);
  const size = metadata.texts('tokenizer.ggml.tokens').length;
  if (id === undefined || NONE.includes(id)) return undefined;
  if (!(Number.isInteger(id) && id >= 0 && id < size)) {
    throw new GgufError(`has ${key} = ${id} of ${size} tokens`);
  }
  return id;
}

function usualId(metadata: Metadata, name: SpecialToken): number | undefined {
  if (metadata.optionalText('tokenizer.ggml.model') !== 'llama') return undefined;
  const id = SENTENCEPIECE[name];
  const kind = metadata.optionalNumbers('tokenizer.ggml.token_type')?.[id ?? -1];
  return kind === TokenKind.control || kind === TokenKind.unknown ? id : undefined;
}
