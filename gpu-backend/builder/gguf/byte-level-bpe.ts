/** tokenizer.json of a GGUF file's byte-level BPE (`tokenizer.ggml.model` gpt2). */
import { GgufError } from './gguf-error.ts';
import type { Metadata } from './metadata.ts';
import { preTokenizerOf } from './pre-tokenizers.ts';
import { addedTokens, idsByText, type TokenizerJson, templateProcessor } from './tokenizer-json.ts';
import { readVocabulary, TokenKind } from './vocabulary.ts';

const BYTE_LEVEL = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: false,
  use_regex: false,
};

export function byteLevelTokenizer(metadata: Metadata): TokenizerJson {
  const pre = preTokenizerOf(metadata.optionalText('tokenizer.ggml.pre'));
  const vocabulary = readVocabulary(metadata);
  const added = addedTokens(vocabulary);
  const apart = new Set(added.map(({ id }) => id));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: pre.normalizer ? { type: pre.normalizer } : null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        ...pre.splits.map((regex) => ({
          type: 'Split',
          pattern: { Regex: regex },
          behavior: 'Isolated',
          invert: false,
        })),
        BYTE_LEVEL,
      ],
    },
    post_processor: templateProcessor(metadata, vocabulary, pre.addBos ?? false),
    decoder: BYTE_LEVEL,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pre.ignoreMerges ?? false,
      vocab: idsByText(vocabulary, (kind, id) => kind !== TokenKind.unused && !apart.has(id)),
      merges: metadata.texts('tokenizer.ggml.merges').map(splitMerge),
    },
  };
}

/** "a b" → ["a", "b"]. The left part has a character at least, even where it is a space. */
function splitMerge(merge: string): [string, string] {
  const space = merge.indexOf(' ', 1);
  if (space < 0) throw new GgufError(`has a merge without a space: "${merge}"`);
  return [merge.slice(0, space), merge.slice(space + 1)];
}
