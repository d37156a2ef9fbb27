/** A GGUF file's tokenizer, in the files that a checkpoint keeps it in. */
import { UnsupportedModelError } from '../unsupported.ts';
import { byteLevelTokenizer } from './byte-level-bpe.ts';
import type { Metadata } from './metadata.ts';
import { sentencePieceTokenizer } from './sentencepiece.ts';
import type { TokenizerJson } from './tokenizer-json.ts';
import { readVocabulary, type SpecialToken, specialTokenId } from './vocabulary.ts';

const MODELS: Record<string, (metadata: Metadata) => TokenizerJson> = {
  gpt2: byteLevelTokenizer,
  llama: sentencePieceTokenizer,
};

/** tokenizer.json. Throws UnsupportedModelError for a kind of tokenizer that is not read. */
export function tokenizerJson(metadata: Metadata): TokenizerJson {
  const name = metadata.text('tokenizer.ggml.model');
  if (Object.hasOwn(MODELS, name)) return MODELS[name]!(metadata);
  throw new UnsupportedModelError(
    `tokenizer model "${name}"`,
    'gpt2 (byte-level BPE), llama (SentencePiece)',
  );
}

/** tokenizer_config.json: the special tokens by role, and the chat template where there is one. */
export function tokenizerConfig(metadata: Metadata): object {
  const { texts } = readVocabulary(metadata);
  const text = (name: SpecialToken) => {
    const id = specialTokenId(metadata, name);
    return id === undefined ? null : texts[id];
  };
  const template = metadata.optionalText('tokenizer.chat_template');
  return {
    bos_token: text('bos'),
    eos_token: text('eos'),
    unk_token: text('unknown'),
    pad_token: text('padding'),
    clean_up_tokenization_spaces: false,
    model_max_length: metadata.number(metadata.ofArchitecture('context_length')),
    ...(template === undefined ? {} : { chat_template: template }),
  };
}

/** Texts of tokens that end a turn or a text, in files that do not name them by role. */
const END_TEXTS = new Set([
  '<|im_end|>',
  '<|eot_id|>',
  '<|eom_id|>',
  '<|end|>',
  '<|endoftext|>',
  '<|end_of_text|>',
  '<end_of_turn>',
  '<｜end▁of▁sentence｜>',
]);

/** generation_config.json: where answers end. */
export function generationConfig(metadata: Metadata): object {
  const json = tokenizerJson(metadata);
  const ends = (['eos', 'eot', 'eom'] as const).map((name) => specialTokenId(metadata, name));
  const byText = json.added_tokens.filter(({ content }) => END_TEXTS.has(content));
  const ids = [...ends.filter((id) => id !== undefined), ...byText.map(({ id }) => id)];
  return {
    bos_token_id: specialTokenId(metadata, 'bos') ?? null,
    eos_token_id: [...new Set(ids)],
    pad_token_id: specialTokenId(metadata, 'padding') ?? null,
  };
}
