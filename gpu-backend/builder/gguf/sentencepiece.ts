/**
 * tokenizer.json of a GGUF file's SentencePiece vocabulary (`tokenizer.ggml.model`
 * llama): pieces with scores, bytes for what no piece has. The pair whose piece
 * scores highest is merged first, so scores become an order of merges, as
 * transformers derives it.
 */
import { GgufError } from './gguf-error.ts';
import type { Metadata } from './metadata.ts';
import { addedTokens, idsByText, type TokenizerJson, templateProcessor } from './tokenizer-json.ts';
import { readVocabulary, specialTokenId, TokenKind } from './vocabulary.ts';

const SPACE = '▁';

export function sentencePieceTokenizer(metadata: Metadata): TokenizerJson {
  const vocabulary = readVocabulary(metadata);
  const scores = metadata.optionalNumbers('tokenizer.ggml.scores');
  if (scores?.length !== vocabulary.texts.length) {
    throw new GgufError(
      `has ${vocabulary.texts.length} tokens but ${scores?.length ?? 'no'} scores`,
    );
  }
  const pieces = new Map<string, number>();
  vocabulary.texts.forEach((text, id) => {
    if (vocabulary.kinds[id] === TokenKind.normal) pieces.set(text, id);
  });
  const addsSpace = metadata.flag('tokenizer.ggml.add_space_prefix') ?? true;
  const unknown = specialTokenId(metadata, 'unknown') ?? 0;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...(addsSpace ? [{ type: 'Prepend', prepend: SPACE }] : []),
        { type: 'Replace', pattern: { String: ' ' }, content: SPACE },
      ],
    },
    pre_tokenizer: null,
    post_processor: templateProcessor(metadata, vocabulary, true),
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(addsSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: vocabulary.texts[unknown],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: idsByText(vocabulary, (kind) => kind !== TokenKind.unused),
      merges: mergesByScore(pieces, scores),
    },
  };
}

/**
 * Every way to put a piece together of two others, the highest score first. Of
 * equal scores the longer left part comes first, then the longer right one.
 */
function mergesByScore(
  pieces: ReadonlyMap<string, number>,
  scores: readonly number[],
): [string, string][] {
  const merges: { parts: [string, string]; score: number; sizes: [number, number] }[] = [];
  for (const [piece, id] of pieces) {
    const characters = [...piece];
    for (let cut = 1; cut < characters.length; cut++) {
      const left = characters.slice(0, cut).join('');
      const right = characters.slice(cut).join('');
      if (!pieces.has(left) || !pieces.has(right)) continue;
      const sizes: [number, number] = [cut, characters.length - cut];
      merges.push({ parts: [left, right], score: scores[id]!, sizes });
    }
  }
  merges.sort((a, b) => b.score - a.score || b.sizes[0] - a.sizes[0] || b.sizes[1] - a.sizes[1]);
  return merges.map(({ parts }) => parts);
}
