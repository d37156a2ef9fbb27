/** What a tokenizer's vocabulary holds, by kind and by script (the analysis of Qtok, 2410.12989). */

const TOKEN_KINDS = [
  'special',
  'part of a character',
  'whole word',
  'fragment of a word',
  'number',
  'white space',
  'punctuation',
  'mixed',
] as const;
type TokenKind = (typeof TOKEN_KINDS)[number];

/** Unicode's names of the scripts that are told apart. */
const SCRIPTS = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Arabic',
  'Hebrew',
  'Devanagari',
  'Thai',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
] as const;
const OTHER = 'other scripts';

const SCRIPT_PATTERNS = SCRIPTS.map(
  (script) => [script, new RegExp(`\\p{Script=${script}}`, 'u')] as const,
);

/** Code points that coverage looks at: those of everyday writing are below. */
const LAST_CODE_POINT = 0xffff;

interface ScriptReport {
  /** Tokens with letters of this script and of no other. */
  tokens: number;
  /** Of them, those that begin a word, with the space before it. */
  wholeWords: number;
  /** Of the script's letters in Unicode's basic plane, the share that is a token by itself. */
  coverage: number;
}

export interface VocabularyReport {
  size: number;
  kinds: Record<TokenKind, number>;
  /** Those with any token, the largest first. */
  scripts: Record<string, ScriptReport>;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** @param bytes of each token by id, a character a byte; null for special tokens */
export function reportVocabulary(bytes: readonly (string | null)[]): VocabularyReport {
  const texts = bytes.map(textOf);
  const kinds = Object.fromEntries(TOKEN_KINDS.map((kind) => [kind, 0])) as Record<
    TokenKind,
    number
  >;
  const scripts: Record<string, ScriptReport> = {};
  for (const [id, text] of texts.entries()) {
    const kind = kindOf(bytes[id]!, text);
    kinds[kind]++;
    const script = text === null ? null : scriptOf(text);
    if (script === null) continue;
    scripts[script] ??= { tokens: 0, wholeWords: 0, coverage: 0 };
    scripts[script].tokens++;
    if (kind === 'whole word') scripts[script].wholeWords++;
  }
  const covered = coverageOf(texts);
  for (const [script, report] of Object.entries(scripts)) report.coverage = covered(script);
  const sorted = Object.entries(scripts).sort(([, a], [, b]) => b.tokens - a.tokens);
  return { size: bytes.length, kinds, scripts: Object.fromEntries(sorted) };
}

/** null for what is no text by itself. */
function textOf(bytes: string | null): string | null {
  if (bytes === null) return null;
  try {
    return strictUtf8.decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
  } catch {
    return null;
  }
}

function kindOf(bytes: string | null, text: string | null): TokenKind {
  if (bytes === null) return 'special';
  if (text === null) return 'part of a character';
  if (/^\s+$/u.test(text)) return 'white space';
  if (/^\s?[\p{L}\p{M}'’]+$/u.test(text))
    return startsWord(text) ? 'whole word' : 'fragment of a word';
  if (/^\s?\p{N}+$/u.test(text)) return 'number';
  if (/^\s*[\p{P}\p{S}]+\s*$/u.test(text)) return 'punctuation';
  return 'mixed';
}

/** A script that puts no spaces between its words has no other words than its tokens. */
function startsWord(text: string): boolean {
  return (
    /^\s/u.test(text) ||
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(text)
  );
}

/** null for a text without letters. */
function scriptOf(text: string): string | null {
  if (!/\p{L}/u.test(text)) return null;
  const found = SCRIPT_PATTERNS.filter(([, pattern]) => pattern.test(text));
  return found.length === 1 ? found[0]![0] : OTHER;
}

function coverageOf(texts: readonly (string | null)[]): (script: string) => number {
  const alone = new Set(texts.flatMap((text) => text?.trim() ?? []));
  const letters = new Map<string, { all: number; alone: number }>();
  for (let point = 0; point <= LAST_CODE_POINT; point++) {
    const character = String.fromCodePoint(point);
    if (!/\p{L}/u.test(character)) continue;
    const script = scriptOf(character) ?? OTHER;
    const counts = letters.get(script) ?? { all: 0, alone: 0 };
    counts.all++;
    if (alone.has(character)) counts.alone++;
    letters.set(script, counts);
  }
  return (script) => {
    const counts = letters.get(script);
    return counts ? counts.alone / counts.all : 0;
  };
}
