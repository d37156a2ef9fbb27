/**
 * Messages and passages to the target's prompt, as token ids with the place
 * each run came from.
 *
 * The chat template is rendered with a mark in place of every content; what
 * stands between the marks is the template's own and may hold special tokens,
 * the contents are encoded apart and may not. So no document and no user can
 * write a turn marker, and a passage enters with the ids it was stored with.
 */
import type { Region } from '../draft/drafter.ts';
import { Source } from '../draft/source.ts';
import type { Span } from '../draft/stores/span-store.ts';
import { TooManyTokens } from '../model/token-list.ts';
import type { ChatMessage, ModelTokenizer } from '../model/tokenizer.ts';

/** What of the model a prompt is made with. */
export type PromptModel = Pick<ModelTokenizer, 'encode' | 'encodeUntrusted' | 'renderChat'> & {
  prompt: { instruction: string; passageHeader: string };
};

/** What of a passage goes into a prompt. */
export interface PromptPassage {
  title: string;
  heading: string;
  tokens: Int32Array;
}

/** A document that goes into a prompt whole. */
export interface PromptDocument {
  title: string;
  /** Its tokens, in runs. */
  parts: readonly Int32Array[];
}

export interface Prompt {
  tokens: Int32Array;
  regions: Region[];
  /** How many of the passages fit, the best ones. */
  fitting: number;
  /** What the worker's own session store is built over: passages that did not fit, then the prompt. */
  draftTokens: Int32Array;
  draftRegions: Region[];
}

/**
 * The messages, a bare prompt, or whole documents leave no room: `needed` tokens,
 * `room` are free.
 */
export class PromptTooLong extends Error {
  readonly needed: number;
  readonly room: number;
  /** Of those needed, the tokens of whole documents. */
  readonly documents: number;
  constructor(needed: number, room: number, documents = 0) {
    super(`the prompt takes ${needed} tokens; ${room} are free`);
    this.needed = needed;
    this.room = room;
    this.documents = documents;
  }
}

/** Plane-15 private use: in no template, taken out of tools and calls, and contents are not rendered. */
export const MARK = '\u{f0000}';
const MARKED = /\u{f0000}(\d+)\u{f0000}/u;

interface Run {
  tokens: Int32Array;
  source: Source;
}

export interface Room {
  /** Tokens up to which passages are added. */
  comfortable: number;
  /** The most tokens the prompt may have. */
  most: number;
}

/**
 * The ids of each message's content, as prompts are composed of. A conversation that
 * can't fit is refused before it is tokenized, or as soon as that is known; a long one
 * is tokenized in slices. Throws `TooManyTokens`.
 *
 * @param most tokens of all together
 */
export async function encodeContents(
  model: Pick<ModelTokenizer, 'encodeLong'>,
  messages: readonly ChatMessage[],
  most: number,
): Promise<Int32Array[]> {
  const contents: Int32Array[] = [];
  let total = 0;
  for (const { content } of messages) {
    try {
      const tokens = await model.encodeLong(content, most - total);
      contents.push(tokens);
      total += tokens.length;
    } catch (error) {
      if (!(error instanceof TooManyTokens)) throw error;
      throw new TooManyTokens(total + error.least, most);
    }
  }
  return contents;
}

/**
 * @param contents of the messages, as `encodeContents` gives them
 * @param passages for the prompt, best first; left out from the end until it fits
 * @param spare passages for the worker's own session store only
 */
export function composePrompt(
  model: PromptModel,
  messages: readonly ChatMessage[],
  contents: readonly Int32Array[],
  passages: readonly PromptPassage[],
  spare: readonly PromptPassage[],
  room: Room,
): Prompt {
  const encoded = passages.map((passage, index) => encodePassage(model, passage, index));
  const spareRuns = spare.map(({ tokens }) => ({ tokens, source: Source.corpus }));
  for (let fitting = encoded.length; ; fitting--) {
    const runs = layOut(model, messages, contents, encoded.slice(0, fitting));
    const prompt = join(runs);
    const length = prompt.tokens.length;
    if (length > (fitting > 0 ? room.comfortable : room.most)) {
      if (fitting === 0) throw new PromptTooLong(length, room.most);
      continue;
    }
    const left = encoded.slice(fitting).map(([, text]) => ({ ...text!, source: Source.corpus }));
    const draft = join([...spareRuns, ...left, ...runs]);
    return {
      tokens: prompt.tokens,
      regions: prompt.regions,
      fitting,
      draftTokens: draft.tokens,
      draftRegions: draft.regions,
    };
  }
}

/**
 * Documents whole, then the messages: a next question on the same documents
 * begins with the same tokens.
 *
 * @param contents of the messages, as `encodeContents` gives them
 * @param spare passages for the worker's own session store only
 */
export function composeWhole(
  model: PromptModel,
  messages: readonly ChatMessage[],
  contents: readonly Int32Array[],
  documents: readonly PromptDocument[],
  spare: readonly PromptPassage[],
  most: number,
): Prompt {
  const encoded = documents.map(({ title, parts }, index) => [
    header(model, index, title, ''),
    // One run: what is drafted from a document goes on across its parts.
    { tokens: join(parts.map(run)).tokens, source: Source.passage },
  ]);
  const runs = layOut(model, messages, contents, encoded);
  const { tokens, regions } = join(runs);
  if (tokens.length > most) {
    const whole = encoded.flat().reduce((sum, piece) => sum + piece.tokens.length, 0);
    throw new PromptTooLong(tokens.length, most, whole);
  }
  const spareRuns = spare.map((passage) => ({ tokens: passage.tokens, source: Source.corpus }));
  const draft = join([...spareRuns, ...runs]);
  return { tokens, regions, fitting: 0, draftTokens: draft.tokens, draftRegions: draft.regions };

  function run(part: Int32Array): Run {
    return { tokens: part, source: Source.prompt };
  }
}

/** A prompt that is continued as it is. */
export function barePrompt(tokens: Int32Array, most: number): Prompt {
  if (tokens.length > most) throw new PromptTooLong(tokens.length, most);
  return { tokens, regions: [], fitting: 0, draftTokens: tokens, draftRegions: [] };
}

/** Passages that the prompt has no room for, as spans: they stand before it in what is drafted from. */
export function spareSpans({
  tokens,
  draftTokens,
  draftRegions,
}: Pick<Prompt, 'tokens' | 'draftTokens' | 'draftRegions'>): Span[] {
  const promptAt = draftTokens.length - tokens.length;
  return draftRegions
    .filter(({ end }) => end <= promptAt)
    .map(({ start, end, source }) => ({
      source,
      begins: false,
      tokens: draftTokens.subarray(start, end),
    }));
}

function encodePassage(model: PromptModel, passage: PromptPassage, index: number): Run[] {
  return [
    header(model, index, passage.title, passage.heading),
    { tokens: passage.tokens, source: Source.passage },
  ];
}

function header(model: PromptModel, index: number, title: string, heading: string): Run {
  const fields = { n: String(index + 1), title, heading };
  const { passageHeader } = model.prompt;
  // Without a heading, what leads over to it is left out too.
  const form = heading === '' ? passageHeader.replace(/[^{}]*\{heading\}/, '') : passageHeader;
  const line = form.replace(
    /\{(n|title|heading)\}/g,
    (_, name: keyof typeof fields) => fields[name],
  );
  return { tokens: model.encodeUntrusted(`\n\n${line}\n`), source: Source.prompt };
}

function layOut(
  model: PromptModel,
  messages: readonly ChatMessage[],
  encoded: readonly Int32Array[],
  passages: Run[][],
): Run[] {
  const contents: Run[][] = encoded.map((tokens) => [{ tokens, source: Source.prompt }]);
  const turns: ChatMessage[] = messages.map((message) => ({ ...message }));
  if (passages.length > 0) {
    const instruction = { tokens: model.encode(model.prompt.instruction), source: Source.prompt };
    if (turns[0]?.role === 'system') {
      const own = contents[0]!;
      const gap = { tokens: model.encode('\n\n'), source: Source.prompt };
      contents[0] = [...own, gap, instruction, ...passages.flat()];
    } else {
      turns.unshift({ role: 'system', content: '' });
      contents.unshift([instruction, ...passages.flat()]);
    }
  }
  const rendered = model.renderChat(
    // Templates ask whether a message that calls functions says something too.
    turns.map((turn, i) => {
      const silent = turn.tool_calls !== undefined && turn.content === '';
      return silent ? turn : { ...turn, content: `${MARK}${i}${MARK}` };
    }),
  );
  // Splitting on a group alternates template text and the index of a content.
  return rendered.split(MARKED).flatMap((piece, i) => {
    if (i % 2 === 1) return contents[Number(piece)]!;
    return piece === '' ? [] : [{ tokens: model.encode(piece), source: Source.prompt }];
  });
}

function join(runs: readonly Run[]): { tokens: Int32Array; regions: Region[] } {
  const tokens = new Int32Array(runs.reduce((sum, run) => sum + run.tokens.length, 0));
  const regions: Region[] = [];
  let at = 0;
  for (const run of runs) {
    tokens.set(run.tokens, at);
    const end = at + run.tokens.length;
    if (run.source !== Source.prompt) regions.push({ start: at, end, source: run.source });
    at = end;
  }
  return { tokens, regions };
}
