/**
 * The bytes that one token stands for, which its text can't always say: a
 * character may be cut in the middle. Byte-level tokenizers write each byte as a
 * character of their own; SentencePiece's have `▁` for a space and `<0x0A>` for a
 * byte that no token has.
 */
import { ByteLevelDecoder, SequenceDecoder, type Tokenizer } from '@huggingface/tokenizers';

const utf8 = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const BYTE = /^<0x([0-9A-F]{2})>$/;

/** null for special tokens, and for ids that are none. */
export function tokenBytes(tokenizer: Tokenizer, id: number): Uint8Array | null {
  const added = tokenizer.get_added_tokens_decoder().get(id);
  if (added) return added.special ? null : utf8.encode(added.content);
  const token = tokenizer.id_to_token(id);
  if (token === undefined) return null;
  const byteLevel = byteLevelOf(tokenizer);
  if (byteLevel) {
    return Uint8Array.from([...token], (character) => byteLevel.byte_decoder[character]!);
  }
  const byte = BYTE.exec(token);
  if (byte) return Uint8Array.of(Number.parseInt(byte[1]!, 16));
  return utf8.encode(token.replaceAll('▁', ' '));
}

function byteLevelOf({ decoder }: Tokenizer): ByteLevelDecoder | undefined {
  const steps = decoder instanceof SequenceDecoder ? decoder.decoders : [decoder];
  return steps.find((step) => step instanceof ByteLevelDecoder);
}

/** As text, where bytes that are no character are written as OpenAI does: `\xf0\x9f`. */
export function escapedText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterAt(bytes, at);
    if (length > 0) text += strict.decode(bytes.subarray(at, at + length));
    else text += `\\x${bytes[at]!.toString(16).padStart(2, '0')}`;
    at += Math.max(1, length);
  }
  return text;
}

/** Bytes of the character that begins at `at`; 0 where none does. */
function characterAt(bytes: Uint8Array, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    try {
      strict.decode(bytes.subarray(at, at + length));
      return length;
    } catch {
      // Longer, or none.
    }
  }
  return 0;
}
