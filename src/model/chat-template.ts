/**
 * The model's own chat template, rendered as transformers renders it. What the
 * template refuses is reported in its own words; a turn of the system that it refuses
 * or leaves out is said at the beginning of the user's next turn.
 */
import { Template } from '@huggingface/jinja';
import { messageOf } from '../store/message-of.ts';
import { comparesAsPython, PYTHON_EQUALITY } from './python-equality.ts';

export interface ChatMessage {
  role: string;
  content: string;
  /** What the assistant thought before it said so. */
  reasoning_content?: string;
  /** Functions that the assistant called; templates take arguments as an object. */
  tool_calls?: { id?: string; function: { name: string; arguments: unknown } }[];
  /** The call that a message of the role `tool` answers. */
  tool_call_id?: string;
}

export interface RenderOptions {
  /** Ends with the opening of the assistant's turn. Default true. */
  addGenerationPrompt?: boolean;
  /** For templates that describe them. */
  tools?: readonly unknown[] | undefined;
  /** More that the template may ask for, such as `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>> | undefined;
}

/** A base model, which was not taught to chat, or one whose template cannot be read: it continues text. */
export class NoChatTemplate extends Error {
  override readonly name = 'NoChatTemplate';
  /** @param fault what is wrong with the template that there is */
  constructor(fault?: unknown) {
    super(
      `the model has no chat template${fault ? ` that can be read (${messageOf(fault)})` : ''}: ` +
        'it continues text, at /v1/completions; for chat put a chat_template.jinja beside its tokenizer.json',
    );
  }
}

/** The template does not take these messages. */
export class TemplateRefused extends Error {
  override readonly name = 'TemplateRefused';
  constructor(cause: unknown) {
    super(`the model’s chat template refuses these messages: ${messageOf(cause)}`, { cause });
  }
}

const SYSTEM_PROBE = 'probe of the system';

export class ChatTemplate {
  /** null for a model without. */
  private readonly chat: Template | null = null;
  /** For requests with functions, where the model has one of its own for them. */
  private readonly toolUse: Template | null = null;
  /** Why one could not be read. */
  private readonly fault: unknown;
  private readonly names: Record<string, string>;
  /** Whether it has a place for what the system says; found out when it is first needed. */
  private knownSystemTurn: boolean | null = null;
  readonly source: string;

  /** @param config tokenizer_config.json */
  constructor(config: unknown) {
    const { chat, toolUse } = templatesOf(config);
    try {
      if (chat !== null) this.chat = comparesAsPython(new Template(chat));
      if (toolUse !== null) this.toolUse = comparesAsPython(new Template(toolUse));
    } catch (fault) {
      this.fault = fault;
    }
    this.names = tokenNames(config);
    this.source = (chat ?? '') + (toolUse ?? '');
  }

  /** What is wrong with a template that cannot be read; null of one that can, and where there is none. */
  get unreadable(): string | null {
    return this.fault === undefined ? null : messageOf(this.fault);
  }

  /** Throws `NoChatTemplate` and `TemplateRefused`. */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    if (!this.chat || this.fault) throw new NoChatTemplate(this.fault);
    const hasSystem = messages.some(({ role }) => role === 'system');
    const turns = hasSystem && !this.hasSystemTurn() ? foldSystemTurns(messages) : messages;
    try {
      return this.rendered(turns, options);
    } catch (error) {
      throw new TemplateRefused(error);
    }
  }

  private rendered(messages: readonly ChatMessage[], options: RenderOptions): string {
    const template = (options.tools && this.toolUse) || this.chat!;
    return template.render({
      ...options.variables,
      ...this.names,
      ...PYTHON_EQUALITY,
      messages,
      ...(options.tools && { tools: options.tools }),
      add_generation_prompt: options.addGenerationPrompt ?? true,
    });
  }

  private hasSystemTurn(): boolean {
    this.knownSystemTurn ??= this.rendersSystemTurn();
    return this.knownSystemTurn;
  }

  private rendersSystemTurn(): boolean {
    const probe = [
      { role: 'system', content: SYSTEM_PROBE },
      { role: 'user', content: 'x' },
    ];
    try {
      return this.rendered(probe, {}).includes(SYSTEM_PROBE);
    } catch {
      return false;
    }
  }
}

/** Puts what the system says at the beginning of the user’s next turn, or in a user’s turn of its own where none follows. */
function foldSystemTurns(messages: readonly ChatMessage[]): ChatMessage[] {
  const turns: ChatMessage[] = [];
  let waiting: string[] = [];
  for (const message of messages) {
    if (message.role === 'system') waiting.push(message.content);
    else if (message.role === 'user' && waiting.length > 0) {
      turns.push({ ...message, content: [...waiting, message.content].join('\n\n') });
      waiting = [];
    } else turns.push(message);
  }
  if (waiting.length > 0) turns.push({ role: 'user', content: waiting.join('\n\n') });
  return turns;
}

/** `chat_template` is a string, or a list of named ones: "default" for the chat, "tool_use" beside functions. */
function templatesOf(config: unknown): { chat: string | null; toolUse: string | null } {
  const template = (config as { chat_template?: unknown } | null)?.chat_template;
  if (typeof template === 'string') return { chat: template, toolUse: null };
  const named = (name: string): string | null => {
    if (!Array.isArray(template)) return null;
    const text = template.find((entry) => entry?.name === name)?.template;
    return typeof text === 'string' ? text : null;
  };
  return { chat: named('default'), toolUse: named('tool_use') };
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
