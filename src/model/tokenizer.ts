/**
 * The target's tokenizer and chat template, made from the model's own
 * tokenizer.json and tokenizer_config.json. No I/O: it also runs in tests and benchmarks.
 */
import { Template } from '@huggingface/jinja';
import { type AddedToken, Tokenizer } from '@huggingface/tokenizers';
import { cachedEncoder } from './word-cache.ts';

export interface ChatMessage {
  role: string;
  content: string;
  /** Functions that the assistant called; templates take arguments as an object. */
  tool_calls?: { function: { name: string; arguments: unknown } }[];
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
   * opens with what the tokenizer puts before any text, a BOS mostly.
   */
  encodePrompt(text: string): Int32Array;
  /** Whether the vocabulary has this id. */
  hasToken(id: number): boolean;
  /** Ids of a document's or a user's text: never a special token's. */
  encodeUntrusted(text: string): Int32Array;
  /**
   * The same text, where what looks like a special token is broken by a space;
   * `<|` always is, as in the text the bundled model was trained on.
   */
  neutralise(text: string): string;
  /** The conversation in the model's own chat template. Neutralise untrusted content first. */
  renderChat(messages: readonly ChatMessage[], options?: RenderOptions): string;
}

export function createTokenizer(tokenizerJson: unknown, configJson: unknown): ModelTokenizer {
  const tokenizer = new Tokenizer(tokenizerJson as object, configJson as object);
  const template = new Template(chatTemplate(configJson));
  const added = [...tokenizer.get_added_tokens_decoder().values()];
  const special = added.filter((token) => token.special);
  const specialIds = new Set(special.map((token) => token.id));
  const lookAlike = new RegExp(`<\\|${alternatives(special)}`, 'g');
  const anyAdded = new RegExp(`(?!)${alternatives(added)}`);
  const cached = cachedEncoder(tokenizer);
  const names = tokenNames(configJson);

  function encode(text: string): Int32Array {
    if (cached && !anyAdded.test(text)) return cached(text);
    return Int32Array.from(tokenizer.encode(text, { add_special_tokens: false }).ids);
  }

  const opening = openingOf(tokenizer);

  function encodePrompt(text: string): Int32Array {
    const ids = encode(text);
    const prompt = new Int32Array(opening.length + ids.length);
    prompt.set(opening);
    prompt.set(ids, opening.length);
    return prompt;
  }

  function hasToken(id: number): boolean {
    return tokenizer.id_to_token(id) !== undefined;
  }

  function neutralise(text: string): string {
    return text.replace(lookAlike, (match) => `${match[0]} ${match.slice(1)}`);
  }

  function encodeUntrusted(text: string): Int32Array {
    const ids = encode(neutralise(text));
    // A normaliser (NFKC, say) can still make a special token out of look-alikes.
    return ids.some((id) => specialIds.has(id)) ? ids.filter((id) => !specialIds.has(id)) : ids;
  }

  function renderChat(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    return template.render({
      ...names,
      messages,
      ...(options.tools && { tools: options.tools }),
      add_generation_prompt: options.addGenerationPrompt ?? true,
    });
  }

  return { tokenizer, encode, encodePrompt, hasToken, encodeUntrusted, neutralise, renderChat };
}

/** What the tokenizer's post-processor puts before a text; what it puts behind one would end a prompt. */
function openingOf(tokenizer: Tokenizer): number[] {
  const bare = tokenizer.encode('a', { add_special_tokens: false }).ids;
  const whole = tokenizer.encode('a').ids;
  return whole.slice(0, whole.indexOf(bare[0]!));
}

/** `|a|b` for a pattern that matches the tokens' contents, the longest first. */
function alternatives(tokens: readonly AddedToken[]): string {
  return tokens
    .map((token) => token.content)
    .filter((content) => content.length > 1)
    .sort((a, b) => b.length - a.length)
    .map((content) => `|${content.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`)
    .join('');
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
