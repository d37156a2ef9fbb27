/**
 * The grammars that turns ask for, made once each and kept while they are used:
 * a schema comes with every request of an application, and its masks are worth
 * keeping. The least recently used go first, by bytes.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type GrammarSetting,
  MAX_FUNCTIONS,
  MAX_MARK_LENGTH,
} from '../../src/link/protocol/index.ts';
import { callsGrammar } from './calls.ts';
import { Grammar } from './grammar.ts';
import { anyValue, FREE } from './json.ts';
import { Program } from './program.ts';
import { GrammarRefused } from './refused.ts';
import { type SchemaGrammar, schemaGrammar } from './schema/reader.ts';
import { tokenBytes } from './token-bytes.ts';
import { Vocabulary } from './vocabulary.ts';

/** Of all grammars together; the one that is asked for is always kept. */
const MAX_GRAMMARS_BYTES = 64 << 20;

export class Grammars {
  private readonly vocabulary: Vocabulary | null;
  /** Why there is no vocabulary. */
  private readonly reason: string;
  private readonly kept = new Map<string, Grammar>();

  /** `vocabulary`: or why this model can't be held to a grammar. */
  constructor(vocabulary: Vocabulary | string) {
    this.vocabulary = typeof vocabulary === 'string' ? null : vocabulary;
    this.reason = typeof vocabulary === 'string' ? vocabulary : '';
  }

  /** Of the model in `folder`. */
  static of(folder: string, vocabSize: number): Grammars {
    try {
      const tokenizer = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8'));
      return new Grammars(new Vocabulary(tokenBytes(tokenizer), vocabSize));
    } catch (cause) {
      return new Grammars((cause as Error).message);
    }
  }

  /** Throws `GrammarRefused`. `stops`: the tokens that end an answer. */
  of(raw: unknown, stops: ReadonlySet<number>): Grammar {
    if (!this.vocabulary) {
      throw new GrammarRefused(`this model can't be held to a grammar: ${this.reason}`);
    }
    const key = createHash('sha256')
      .update(JSON.stringify([raw, [...stops]]))
      .digest('base64');
    const grammar = this.kept.get(key) ?? build(raw as GrammarSetting, this.vocabulary, stops);
    this.kept.delete(key);
    this.kept.set(key, grammar);
    this.evict();
    return grammar;
  }

  /** O(grammars kept), which is how many fit. */
  private evict(): void {
    let bytes = 0;
    for (const grammar of this.kept.values()) bytes += grammar.bytes;
    for (const [key, grammar] of this.kept) {
      if (bytes <= MAX_GRAMMARS_BYTES || this.kept.size === 1) return;
      this.kept.delete(key);
      bytes -= grammar.bytes;
    }
  }
}

function build(raw: GrammarSetting, vocabulary: Vocabulary, stops: ReadonlySet<number>): Grammar {
  const { expression, unenforced } = read(raw);
  return new Grammar(new Program(expression), vocabulary, stops, unenforced);
}

function read(setting: GrammarSetting | null): SchemaGrammar {
  switch (setting?.kind) {
    case 'json_object':
      return { expression: anyValue(FREE).object, unenforced: [] };
    case 'json_schema':
      return schemaGrammar(setting.schema, ['schema'], setting.strict !== false);
    case 'calls':
      return callsOf(setting);
    default:
      throw new GrammarRefused('must be json_object, json_schema or calls', ['kind']);
  }
}

function callsOf(setting: Extract<GrammarSetting, { kind: 'calls' }>): SchemaGrammar {
  const { begin, end, functions, free, many } = setting;
  for (const [name, mark] of [
    ['begin', begin],
    ['end', end],
  ] as const) {
    if (typeof mark !== 'string' || mark.length === 0 || mark.length > MAX_MARK_LENGTH) {
      throw new GrammarRefused(`must be a string of 1 to ${MAX_MARK_LENGTH} characters`, [name]);
    }
  }
  if (!Array.isArray(functions) || functions.length === 0 || functions.length > MAX_FUNCTIONS) {
    throw new GrammarRefused(`must be a list of 1 to ${MAX_FUNCTIONS}`, ['functions']);
  }
  for (const [i, one] of functions.entries()) {
    if (typeof one?.name !== 'string') {
      throw new GrammarRefused('must be a string', ['functions', i, 'name']);
    }
  }
  return callsGrammar({ begin, end, functions, free: free === true, many: many === true });
}
