/**
 * How byte-level tokenizers cut text into words, by llama.cpp's names
 * (`tokenizer.ggml.pre`). Each expression splits what the one before it left;
 * they are those of the models' own tokenizer.json.
 */
import { UnsupportedModelError } from '../unsupported.ts';

export interface PreTokenizer {
  splits: readonly string[];
  /** A word that is a token as a whole is not merged up from its bytes. */
  ignoreMerges?: boolean;
  /** Puts a BOS token before a text where the file does not say whether to. */
  addBos?: boolean;
  normalizer?: 'NFC';
}

const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** Contractions in any case, words, `numbers`, punctuation with its line ends, space. */
const words = (numbers: string) =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

/** Words that begin where capitals do; `suffix` and `numbers` differ. */
const casedWords = (suffix: string, numbers: string) => {
  const upper = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
  const lower = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
  const before = '[^\\r\\n\\p{L}\\p{N}]?';
  return `${before}${upper}*${lower}+${suffix}|${before}${upper}+${lower}*${suffix}|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
};

const llama3: PreTokenizer = { splits: [words('\\p{N}{1,3}')], ignoreMerges: true, addBos: true };
const qwen2: PreTokenizer = { splits: [words('\\p{N}')], normalizer: 'NFC' };
const digitsApart: PreTokenizer = { splits: ['\\p{N}', GPT2] };

const PRE_TOKENIZERS: Record<string, PreTokenizer> = {
  'gpt-2': { splits: [GPT2] },
  mellum: { splits: [GPT2] },
  smollm: digitsApart,
  starcoder: digitsApart,
  'minerva-7b': digitsApart,
  'llama-bpe': llama3,
  llama3,
  'llama-v3': llama3,
  falcon3: llama3,
  pixtral: llama3,
  'smaug-bpe': { splits: [words('\\p{N}{1,3}')] },
  qwen2,
  megrez: qwen2,
  'deepseek-r1-qwen': { splits: [words('\\p{N}')] },
  tekken: { splits: [casedWords('', '\\p{N}')], ignoreMerges: true, addBos: true },
  'gpt-4o': {
    splits: [casedWords("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", '\\p{N}{1,3}')],
  },
  'deepseek-coder': {
    splits: ['[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', '[一-龥ࠀ-一가-퟿]+', '\\p{N}'],
  },
  'deepseek-v3': {
    splits: [
      '\\p{N}{1,3}',
      '[一-龥぀-ゟ゠-ヿ]+',
      '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
    ],
  },
};

/** Throws UnsupportedModelError for a name that is not known, or none. */
export function preTokenizerOf(name: string | undefined): PreTokenizer {
  if (name !== undefined && Object.hasOwn(PRE_TOKENIZERS, name)) return PRE_TOKENIZERS[name]!;
  throw new UnsupportedModelError(
    name === undefined
      ? 'a byte-level tokenizer without tokenizer.ggml.pre'
      : `pre-tokenizer "${name}"`,
    Object.keys(PRE_TOKENIZERS).join(', '),
  );
}
