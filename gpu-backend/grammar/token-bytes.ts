/**
 * What each token of a tokenizer.json adds to a text, as bytes. Two families:
 * byte-level BPE (GPT-2, Llama 3, Qwen, the bundled model), which spells bytes as
 * printable characters, and SentencePiece with byte fallback (Llama 2, Mistral),
 * which spells a space as ▁ and bytes without a token as <0x00>.
 */

import { GrammarRefused } from './refused.ts';

interface TokenizerJson {
  model?: { vocab?: Record<string, number> | [string, number][]; byte_fallback?: boolean };
  decoder?: unknown;
  added_tokens?: { id: number; content: string; special: boolean }[];
}

/** By id; null for special tokens, which are no text. Throws `GrammarRefused` for other families. */
export function tokenBytes(tokenizer: unknown): (string | null)[] {
  const { model, decoder, added_tokens } = tokenizer as TokenizerJson;
  const decode = decoderOf(model, JSON.stringify(decoder ?? null));
  const texts: (string | null)[] = [];
  const vocab = Array.isArray(model?.vocab) ? model.vocab : Object.entries(model?.vocab ?? {});
  vocab.forEach(([token, second], index) => {
    // Unigram vocabularies are lists of token and score.
    texts[Array.isArray(model?.vocab) ? index : second] = decode(token);
  });
  for (const { id, content, special } of added_tokens ?? []) {
    texts[id] = special ? null : latin1(content);
  }
  return Array.from(texts, (text) => text ?? null);
}

function decoderOf(
  model: TokenizerJson['model'],
  decoder: string,
): (token: string) => string | null {
  if (decoder.includes('"ByteLevel"')) return byteLevel();
  if (model?.byte_fallback || decoder.includes('"ByteFallback"')) return bytePiece;
  throw new GrammarRefused(
    'its tokenizer is neither byte-level BPE nor SentencePiece with byte fallback',
  );
}

/** GPT-2's alphabet: printable bytes stand for themselves, the others for U+0100 and on, in order. */
function byteLevel(): (token: string) => string | null {
  const byteOf = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
    byteOf.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return (token) => {
    let text = '';
    for (const character of token) {
      const byte = byteOf.get(character);
      if (byte === undefined) return null;
      text += String.fromCharCode(byte);
    }
    return text;
  };
}

function bytePiece(token: string): string {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1];
  return byte ? String.fromCharCode(Number.parseInt(byte, 16)) : latin1(token.replaceAll('▁', ' '));
}

/** Its UTF-8 bytes, a character each. */
function latin1(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
