/**
 * The target's tokenizer and chat template, made from the model's own
 * tokenizer.json and tokenizer_config.json. No I/O: it also runs in tests and benchmarks.
 */
import type { AddedToken, Tokenizer } from '@huggingface/tokenizers';
import { runAtOnce, runInSlices } from '../pause.ts';
import { type ChatMessage, ChatTemplate, type RenderOptions } from './chat-template.ts';
import { type LinearTokenizer, linearTokenizer, type TextPlace } from './linear-tokenizer.ts';
import { TokenList } from './token-list.ts';

export interface ModelTokenizer {
  readonly tokenizer: Tokenizer;
  /** The chat template's text; '' for a model without. */
  readonly templateSource: string;
  /** What is wrong with a chat template that cannot be read; else null. */
  readonly templateFault: string | null;
  /** Ids of trusted text: special tokens in it count. */
  encode(text: string): Int32Array;
  /**
   * Ids of a rendered chat template, or of a part of it, in slices: the special tokens
   * that are written in it count, and none that a normaliser makes of the rest. Throws
   * `TooManyTokens` beyond `most`.
   *
   * @param continues whether other tokens come before it
   */
  encodeRendered(text: string, most: number, continues: boolean): Promise<Int32Array>;
  /**
   * Ids of a prompt that is continued as it is: special tokens in it count, and it
   * opens with what the tokenizer puts before any text, a BOS mostly. In slices,
   * between which others are served. Throws `TooManyTokens` beyond `most`, for most
   * texts before any work.
   */
  encodePrompt(text: string, most: number): Promise<Int32Array>;
  /** Whether the vocabulary has this id. */
  hasToken(id: number): boolean;
  /** Ids of a document's or a user's text inside of another: never a special token's, and no `▁` before it. */
  encodeUntrusted(text: string): Int32Array;
  /**
   * The same text, where what looks like a special token is broken by a space;
   * `<|` always is, as in the text the bundled model was trained on.
   */
  neutralise(text: string): string;
  /**
   * The conversation in the model's own chat template. Neutralise untrusted content
   * first. Throws `NoChatTemplate` and `TemplateRefused`.
   */
  renderChat(messages: readonly ChatMessage[], options?: RenderOptions): string;
}

export function createTokenizer(tokenizerJson: unknown, configJson: unknown): ModelTokenizer {
  const linear = linearTokenizer(tokenizerJson as object, configJson as object);
  const { tokenizer } = linear;
  const template = new ChatTemplate(configJson);
  const added = [...tokenizer.get_added_tokens_decoder().values()];
  const special = added.filter((token) => token.special);
  const specialIds = new Set(special.map((token) => token.id));
  const lookAlike = new RegExp(['<\\|', ...patterns(special, 2)].join('|'), 'g');
  const encodeInto = encoderOf(linear, added);
  const encodeStretches = stretchEncoder(encodeInto, special);
  const opening = openingOf(tokenizer);

  function encode(text: string): Int32Array {
    const tokens = new TokenList();
    runAtOnce(encodeInto(text, tokens, 'start'));
    return tokens.toArray();
  }

  async function encodeRendered(text: string, most: number, continues: boolean) {
    const tokens = new TokenList(most, specialIds);
    await runInSlices(encodeStretches(text, tokens, continues ? 'inside' : 'start'));
    return tokens.toArray();
  }

  async function encodePrompt(text: string, most: number): Promise<Int32Array> {
    const tokens = new TokenList(most);
    for (const id of opening) tokens.push(id);
    await runInSlices(encodeInto(text, tokens, 'start'));
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
    runAtOnce(encodeInto(neutralise(text), tokens, 'inside'));
    return tokens.toArray();
  }

  return {
    ...{ tokenizer, templateSource: template.source, templateFault: template.unreadable },
    ...{ encode, encodeRendered, encodePrompt, encodeUntrusted },
    ...{ hasToken, neutralise, renderChat: template.render.bind(template) },
  };
}

type EncodeInto = (text: string, tokens: TokenList, place: TextPlace) => Generator<undefined, void>;

/** Pushes a text's ids, added tokens' among them: as the library has them, by words where that can be. */
function encoderOf(linear: LinearTokenizer, added: readonly AddedToken[]): EncodeInto {
  const { words, at, fewestTokens } = linear;
  const anyAdded = new RegExp(patterns(added, 1).join('|') || '(?!)', 'g');
  const idOf = new Map(added.map(({ content, id }) => [content, id]));
  // Some take in the space around them.
  const areLiteral = added.every(({ lstrip, rstrip }) => !lstrip && !rstrip);

  return function* encodeInto(text, tokens, place) {
    if (!words || (!areLiteral && text.search(anyAdded) >= 0)) {
      tokens.requireRoom(fewestTokens(text));
      const { ids } = at[place].encode(text, { add_special_tokens: false });
      for (const id of ids) tokens.push(id);
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

/** Pushes the ids of the special tokens that are written in a text, and of what is between them without any. */
function stretchEncoder(encodeInto: EncodeInto, special: readonly AddedToken[]): EncodeInto {
  const written = new RegExp(patterns(special, 1).join('|') || '(?!)', 'g');
  const byContent = new Map(special.map((token) => [token.content, token]));

  return function* encodeStretches(text, tokens, place) {
    let before: AddedToken | undefined;
    let from = 0;
    function* stretch(end: number, behind?: AddedToken) {
      let part = text.slice(from, end);
      if (before?.rstrip) part = part.trimStart();
      if (behind?.lstrip) part = part.trimEnd();
      if (part !== '') yield* encodeInto(part, tokens, before ? 'behind' : place);
    }
    for (const { 0: content, index } of text.matchAll(written)) {
      const token = byContent.get(content)!;
      yield* stretch(index, token);
      tokens.pushWritten(token.id);
      before = token;
      from = index + content.length;
    }
    yield* stretch(text.length);
  };
}

/** What the tokenizer's post-processor puts before a text; what it puts after one would end a prompt. */
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
