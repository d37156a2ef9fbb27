/**
 * The target's tokenizer and chat template, made from the model's own
 * tokenizer.json and tokenizer_config.json. No I/O: it also runs in tests and benchmarks.
 */
import { Template } from '@huggingface/jinja';
import type { AddedToken, Tokenizer } from '@huggingface/tokenizers';
import { runAtOnce, runInSlices } from '../pause.ts';
import { type LinearTokenizer, linearTokenizer } from './linear-tokenizer.ts';
import { TokenList } from './token-list.ts';

export interface ChatMessage {
  role: string;
  content: string;
  /** Functions that the assistant called; templates take arguments as an object. */
  tool_calls?: { id?: string; function: { name: string; arguments: unknown } }[];
  /** The call that a message of the role `tool` answers. */
  tool_call_id?: string;
}

interface RenderOptions {
  /** Ends with the opening of the assistant's turn. Default true. */
  addGenerationPrompt?: boolean;
  /** For templates that tell of them. */
  tools?: readonly unknown[] | undefined;
}

export interface ModelTokenizer {
  readonly tokenizer: Tokenizer;
  /** Ids of trusted text, such as a rendered template: special tokens in it count. */
  encode(text: string): Int32Array;
  /**
   * Ids of a prompt that is continued as it is: special tokens in it count, and it
   * opens with what the tokenizer puts before any text, a BOS mostly. In slices,
   * between which others are served. Throws `TooManyTokens` beyond `most`, for most
   * texts before any work.
   */
  encodePrompt(text: string, most: number): Promise<Int32Array>;
  /** Whether the vocabulary has this id. */
  hasToken(id: number): boolean;
  /** Ids of a document's or a user's text: never a special token's. */
  encodeUntrusted(text: string): Int32Array;
  /** The same of a text of any length: in slices and with an end, as `encodePrompt`. */
  encodeLong(text: string, most: number): Promise<Int32Array>;
  /**
   * The same text, where what looks like a special token is broken by a space;
   * `<|` always is, as in the text the bundled model was trained on.
   */
  neutralise(text: string): string;
  /** The conversation in the model's own chat template. Neutralise untrusted content first. */
  renderChat(messages: readonly ChatMessage[], options?: RenderOptions): string;
}

export function createTokenizer(tokenizerJson: unknown, configJson: unknown): ModelTokenizer {
  const linear = linearTokenizer(tokenizerJson as object, configJson as object);
  const { tokenizer } = linear;
  const template = new Template(chatTemplate(configJson));
  const added = [...tokenizer.get_added_tokens_decoder().values()];
  const special = added.filter((token) => token.special);
  const specialIds = new Set(special.map((token) => token.id));
  const lookAlike = new RegExp(['<\\|', ...patterns(special, 2)].join('|'), 'g');
  const encodeInto = encoderOf(linear, added);
  const opening = openingOf(tokenizer);
  const names = tokenNames(configJson);

  function encode(text: string): Int32Array {
    const tokens = new TokenList();
    runAtOnce(encodeInto(text, tokens));
    return tokens.toArray();
  }

  async function encodePrompt(text: string, most: number): Promise<Int32Array> {
    const tokens = new TokenList(most);
    for (const id of opening) tokens.push(id);
    await runInSlices(encodeInto(text, tokens));
    return tokens.toArray();
  }

  function hasToken(id: number): boolean {
    return tokenizer.id_to_token(id) !== undefined;
  }

  function neutralise(text: string): string {
    return text.replace(lookAlike, (match) => `${match[0]} ${match.slice(1)}`);
  }

  // A normaliser (NFKC, say) can still make a special token out of look-alikes: they are left out.
  function encodeUntrusted(text: string): Int32Array {
    const tokens = new TokenList(Number.POSITIVE_INFINITY, specialIds);
    runAtOnce(encodeInto(neutralise(text), tokens));
    return tokens.toArray();
  }

  async function encodeLong(text: string, most: number): Promise<Int32Array> {
    const tokens = new TokenList(most, specialIds);
    await runInSlices(encodeInto(neutralise(text), tokens));
    return tokens.toArray();
  }

  function renderChat(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    return template.render({
      ...names,
      messages,
      ...(options.tools && { tools: options.tools }),
      add_generation_prompt: options.addGenerationPrompt ?? true,
    });
  }

  return {
    ...{ tokenizer, encode, encodePrompt, encodeUntrusted, encodeLong },
    ...{ hasToken, neutralise, renderChat },
  };
}

type EncodeInto = (text: string, tokens: TokenList) => Generator<undefined, void>;

/** Pushes a text's ids, added tokens' among them: as the library has them, by words where that can be. */
function encoderOf(linear: LinearTokenizer, added: readonly AddedToken[]): EncodeInto {
  const { tokenizer, words, fewestTokens } = linear;
  const anyAdded = new RegExp(patterns(added, 1).join('|') || '(?!)', 'g');
  const idOf = new Map(added.map(({ content, id }) => [content, id]));
  // Some take in the space around them.
  const areLiteral = added.every(({ lstrip, rstrip }) => !lstrip && !rstrip);

  return function* encodeInto(text, tokens) {
    if (!words || (!areLiteral && text.search(anyAdded) >= 0)) {
      tokens.requireRoom(fewestTokens(text));
      for (const id of tokenizer.encode(text, { add_special_tokens: false }).ids) tokens.push(id);
      return;
    }
    let from = 0;
    for (const { 0: content, index } of text.matchAll(anyAdded)) {
      if (index > from) yield* words.encode(text.slice(from, index), tokens);
      tokens.push(idOf.get(content)!);
      from = index + content.length;
    }
    if (from < text.length) yield* words.encode(from === 0 ? text : text.slice(from), tokens);
  };
}

/** What the tokenizer's post-processor puts before a text; what it puts behind one would end a prompt. */
function openingOf(tokenizer: Tokenizer): number[] {
  const bare = tokenizer.encode('a', { add_special_tokens: false }).ids;
  const whole = tokenizer.encode('a').ids;
  return whole.slice(0, whole.indexOf(bare[0]!));
}

/** Patterns of the tokens' contents of so many characters or more, the longest first. */
function patterns(tokens: readonly AddedToken[], least: number): string[] {
  return tokens
    .map((token) => token.content)
    .filter((content) => content.length >= least)
    .sort((a, b) => b.length - a.length)
    .map((content) => content.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
}

/** `chat_template` is a string, or a list of named ones of which "default" is the chat's. */
function chatTemplate(config: unknown): string {
  const template = (config as { chat_template?: unknown } | null)?.chat_template;
  if (typeof template === 'string') return template;
  if (Array.isArray(template)) {
    const named = template.find((entry) => entry?.name === 'default')?.template;
    if (typeof named === 'string') return named;
  }
  throw new Error(
    'the model has no chat template: put one into tokenizer_config.json as "chat_template"',
  );
}

/** The special tokens that templates name: `bos_token`, `eos_token` and their kin. */
function tokenNames(config: unknown): Record<string, string> {
  const names: Record<string, string> = {};
  for (const [key, value] of Object.entries((config ?? {}) as Record<string, unknown>)) {
    if (!key.endsWith('_token')) continue;
    const content = typeof value === 'string' ? value : (value as { content?: unknown })?.content;
    if (typeof content === 'string') names[key] = content;
  }
  return names;
}
