/** Grammars over the bundled model's vocabulary, and texts drawn from them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Expression } from '../../gpu-backend/grammar/expression.ts';
import { Grammar, type State } from '../../gpu-backend/grammar/grammar.ts';
import { Program } from '../../gpu-backend/grammar/program.ts';
import { schemaGrammar } from '../../gpu-backend/grammar/schema/reader.ts';
import { tokenBytes } from '../../gpu-backend/grammar/token-bytes.ts';
import { Vocabulary } from '../../gpu-backend/grammar/vocabulary.ts';
import { Noise } from '../../src/draft/noise.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { TARGET } from '../support/model-server.ts';

const read = (file: string) => JSON.parse(readFileSync(join(TARGET, file), 'utf8'));
const tokenizerJson = read('tokenizer.json');

export const tokenizer = createTokenizer(tokenizerJson, read('tokenizer_config.json'));
export const vocabulary = new Vocabulary(tokenBytes(tokenizerJson), 6144);
/** `<|im_end|>` and `<|endoftext|>`. */
export const STOPS = new Set([2, 0]);

export function grammarOf(expression: Expression): Grammar {
  return new Grammar(new Program(expression), vocabulary, STOPS);
}

export function grammarOfSchema(schema: unknown): Grammar {
  return grammarOf(schemaGrammar(schema, ['schema'], true).expression);
}

/** The tokens' text. */
export function textOf(tokens: readonly number[]): string {
  const bytes = tokens.map((token) => vocabulary.texts[token]!).join('');
  return new TextDecoder('utf-8', { fatal: true }).decode(
    Uint8Array.from(bytes, (character) => character.charCodeAt(0)),
  );
}

export function allowed(mask: Uint32Array): number[] {
  const ids: number[] = [];
  for (let id = 0; id < vocabulary.size; id++) if (mask[id >>> 5]! & (1 << (id & 31))) ids.push(id);
  return ids;
}

/** Where `tokens` lead; null where one is not allowed, by mask and by step alike. */
export function follow(grammar: Grammar, tokens: Iterable<number>): State | null {
  let at: State | null = grammar.start;
  for (const token of tokens) {
    const masked = (grammar.mask(at)[token >>> 5]! & (1 << (token & 31))) !== 0;
    const next: State | null = grammar.advance(at, token);
    if (masked !== (next !== null)) throw new Error(`mask and step differ at token ${token}`);
    if (!next) return null;
    at = next;
  }
  return at;
}

/** Tokens of a text in the grammar: any that are allowed while it is short, then what ends it soonest. */
export function sample(grammar: Grammar, seed: number, wild: number): number[] {
  const noise = new Noise([seed, 0]);
  const tokens: number[] = [];
  for (let at = grammar.start; ; ) {
    const ids = allowed(grammar.mask(at));
    if (ids.length === 0) throw new Error(`nothing may follow ${JSON.stringify(textOf(tokens))}`);
    const stop = ids.find((id) => STOPS.has(id));
    noise.at(tokens.length);
    // Half of the time what a JSON text is made of: any token at all would be letters, mostly.
    const short = ids.filter((id) => (vocabulary.texts[id]?.length ?? 0) <= 2);
    const among = noise.gumbel(7) > 0.37 && short.length > 0 ? short : ids;
    let token = among.reduce((a, b) => (noise.gumbel(a) > noise.gumbel(b) ? a : b));
    if (tokens.length >= wild) {
      if (stop !== undefined) return tokens;
      token = ids.reduce((a, b) => (cost(a) <= cost(b) ? a : b));
    }
    if (STOPS.has(token)) return tokens;
    tokens.push(token);
    if (tokens.length > 3000) throw new Error(`no end: ${textOf(tokens.slice(0, 200))}`);
    at = grammar.advance(at, token)!;
  }
}

/** What ends a text soon comes first: closing, then the shortest values. */
const SOONEST = ['"', '}', ']', '0', 'n', ' ', '1', '{', '[', ','];
function cost(id: number): number {
  const text = vocabulary.texts[id];
  if (!text) return 100;
  const rank = SOONEST.indexOf(text);
  return rank < 0 ? 20 + text.length : rank;
}
