/**
 * A conversation laid out for the target: the chat template rendered with the
 * messages' own contents, so that templates that look at them see them, and its text
 * encoded as one. What a user or a document wrote was made harmless before: nothing in
 * it becomes a special token, so nobody writes a turn marker. A mark stands for each
 * passage, which enters with the ids that it was stored with.
 */
import { Source } from '../draft/source.ts';
import type { ChatMessage, RenderOptions } from '../model/chat-template.ts';
import { TooManyTokens } from '../model/token-list.ts';
import type { ModelTokenizer } from '../model/tokenizer.ts';

/** What of the model a prompt is made with. */
export type PromptModel = Pick<ModelTokenizer, 'encodeRendered' | 'neutralise' | 'renderChat'> & {
  prompt: { instruction: string; passageHeader: string };
};

/** What of a passage goes into a prompt. */
export interface PromptPassage {
  title: string;
  heading: string;
  tokens: Int32Array;
}

/** Plane-15 private use: in no template, and taken out of everything that is rendered. */
const MARK = '\u{f0000}';
const MARKED = /\u{f0000}(\d+)\u{f0000}/u;

/** Tokens, and what they are for those who draft from them. */
export interface Run {
  tokens: Int32Array;
  source: Source;
}

/** A passage or a document in the system's message: what the line before it names, and its own tokens. */
export interface Inserted {
  fields: { n: string; title: string; heading: string };
  run: Run;
}

export function insertedOf({ title, heading, tokens }: PromptPassage, index: number): Inserted {
  const run = { tokens, source: Source.passage };
  return { fields: { n: String(index + 1), title, heading }, run };
}

/** Messages as the chat template takes them, and what else it is given. */
export interface DescribedConversation extends Pick<RenderOptions, 'tools' | 'variables'> {
  messages: readonly ChatMessage[];
}

export class PromptLayout {
  private readonly model: PromptModel;
  private readonly messages: readonly ChatMessage[];
  private readonly options: RenderOptions;
  private readonly most: number;
  /** Of pieces of text that were encoded already. */
  private readonly encoded = new Map<string, Int32Array>();

  private constructor(
    model: PromptModel,
    { messages, ...options }: DescribedConversation,
    most: number,
  ) {
    this.model = model;
    this.messages = messages.map((message) => harmless(message, model));
    this.options = harmless(options, model);
    this.most = most;
  }

  /**
   * A conversation that fits by itself. One that can't is refused before it is tokenized,
   * or as soon as that is known; a long one is tokenized in slices. Throws
   * `PromptTooLong`, or `TooManyTokens` where the rest was not counted, and what the chat
   * template refuses.
   *
   * @param most tokens of all together
   */
  static async of(
    model: PromptModel,
    conversation: DescribedConversation,
    most: number,
  ): Promise<PromptLayout> {
    const layout = new PromptLayout(model, conversation, most);
    await layout.with([]);
    return layout;
  }

  /** Runs of tokens in their order; null where there is no room for the text around the passages. */
  async with(inserted: readonly Inserted[]): Promise<Run[] | null> {
    const rendered = this.model.renderChat(this.turns(inserted), this.options);
    const runs: Run[] = [];
    let room = this.most;
    // Splitting on a group alternates text and the index of a passage.
    for (const [i, piece] of rendered.split(MARKED).entries()) {
      if (i % 2 === 1) {
        runs.push(inserted[Number(piece)]!.run);
      } else if (piece !== '') {
        try {
          const tokens = await this.encode(piece, room, i > 0);
          runs.push({ tokens, source: Source.prompt });
          room -= tokens.length;
        } catch (error) {
          if (!(error instanceof TooManyTokens)) throw error;
          if (inserted.length > 0) return null;
          throw new TooManyTokens(this.most - room + error.least, this.most);
        }
      }
    }
    return runs;
  }

  private turns(inserted: readonly Inserted[]): readonly ChatMessage[] {
    if (inserted.length === 0) return this.messages;
    const headed = inserted.map((one, i) => this.underHeader(one, i));
    const passages = [this.model.prompt.instruction, ...headed].join('\n\n');
    const [first, ...rest] = this.messages;
    if (first?.role !== 'system') {
      return [{ role: 'system', content: passages }, ...this.messages];
    }
    return [{ ...first, content: `${first.content}\n\n${passages}` }, ...rest];
  }

  /** The passage’s mark below its header. */
  private underHeader({ fields }: Inserted, index: number): string {
    const { passageHeader } = this.model.prompt;
    // Without a heading, what leads over to it is left out too.
    const hasHeading = fields.heading !== '';
    const form = hasHeading ? passageHeader : passageHeader.replace(/[^{}]*\{heading\}/, '');
    const line = form.replace(
      /\{(n|title|heading)\}/g,
      (_, name: keyof typeof fields) => fields[name],
    );
    return `${harmless(line, this.model)}\n${MARK}${index}${MARK}`;
  }

  private async encode(text: string, most: number, continues: boolean): Promise<Int32Array> {
    const key = `${continues ? 1 : 0}${text}`;
    const known = this.encoded.get(key);
    if (known && known.length <= most) return known;
    const tokens = await this.model.encodeRendered(text, most, continues);
    this.encoded.set(key, tokens);
    return tokens;
  }
}

/** Every string in it, keys too, without what looks like a special token or like the mark of a passage. */
function harmless<T>(value: T, model: Pick<ModelTokenizer, 'neutralise'>): T {
  if (typeof value === 'string') return model.neutralise(value.replaceAll(MARK, '')) as T;
  if (Array.isArray(value)) return value.map((one) => harmless(one, model)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [harmless(key, model), harmless(one, model)]),
  ) as T;
}
