/** Messages and passages to the target's prompt, as token ids with the place each run came from. */
import type { Region, TokenRange } from '../draft/drafter.ts';
import { Source } from '../draft/source.ts';
import type { Span } from '../draft/stores/span-store.ts';
import { insertedOf, type PromptLayout, type PromptPassage, type Run } from './prompt-layout.ts';

/** A document that goes into a prompt whole. */
export interface PromptDocument {
  title: string;
  /** Its tokens, in runs, and whether a run is about what was asked. */
  parts: readonly { tokens: Int32Array; matches: boolean }[];
}

export interface Prompt {
  tokens: Int32Array;
  regions: Region[];
  /** Of documents whole, where what matches the question is; empty where none does, or where there are only passages. */
  excerpts: TokenRange[];
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

export interface Room {
  /** Tokens up to which passages are added. */
  comfortable: number;
  /** The most tokens the prompt may have. */
  most: number;
}

/**
 * Throws `PromptTooLong`.
 *
 * @param passages for the prompt, best first; left out from the end until it fits
 * @param spare passages for the worker's own session store only
 */
export async function composePrompt(
  layout: PromptLayout,
  passages: readonly PromptPassage[],
  spare: readonly PromptPassage[],
  room: Room,
): Promise<Prompt> {
  const spareRuns = spare.map(({ tokens }) => ({ tokens, source: Source.corpus }));
  const inserted = passages.map(insertedOf);
  for (let fitting = inserted.length; ; fitting--) {
    const runs = await layout.with(inserted.slice(0, fitting));
    const length = runs ? tokensIn(runs) : Number.POSITIVE_INFINITY;
    if (!runs || length > (fitting > 0 ? room.comfortable : room.most)) {
      if (fitting === 0) throw new PromptTooLong(length, room.most);
      // What the messages alone have no room for, fewer passages don't give it.
      if (!runs) fitting = 1;
      continue;
    }
    const prompt = join(runs);
    const omitted = inserted.slice(fitting).map(({ run }) => ({ ...run, source: Source.corpus }));
    const draft = join([...spareRuns, ...omitted, ...runs]);
    return {
      tokens: prompt.tokens,
      regions: prompt.regions,
      excerpts: [],
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
 * @param spare passages for the worker's own session store only
 */
export async function composeWhole(
  layout: PromptLayout,
  documents: readonly PromptDocument[],
  spare: readonly PromptPassage[],
  most: number,
): Promise<Prompt> {
  const inserted = documents.map(({ title, parts }, i) => {
    // One run: what is drafted from a document continues across its parts.
    const tokens = join(parts.map((part) => ({ ...part, source: Source.prompt }))).tokens;
    return insertedOf({ title, heading: '', tokens }, i);
  });
  const runs = await layout.with(inserted);
  const whole = inserted.reduce((sum, { run }) => sum + run.tokens.length, 0);
  if (!runs) throw new PromptTooLong(most + whole, most, whole);
  const { tokens, regions } = join(runs);
  if (tokens.length > most) throw new PromptTooLong(tokens.length, most, whole);
  const spareRuns = spare.map((passage) => ({ tokens: passage.tokens, source: Source.corpus }));
  const draft = join([...spareRuns, ...runs]);
  return {
    tokens,
    regions,
    excerpts: excerptsOf(documents, regions),
    fitting: 0,
    draftTokens: draft.tokens,
    draftRegions: draft.regions,
  };
}

/** @param regions of the documents, in their order */
function excerptsOf(
  documents: readonly PromptDocument[],
  regions: readonly TokenRange[],
): TokenRange[] {
  return documents.flatMap(({ parts }, i) => {
    let at = regions[i]!.start;
    return parts.flatMap(({ tokens, matches }) => {
      const start = at;
      at += tokens.length;
      return matches ? [{ start, end: at }] : [];
    });
  });
}

/** A prompt that is continued as it is. */
export function barePrompt(tokens: Int32Array, most: number): Prompt {
  if (tokens.length > most) throw new PromptTooLong(tokens.length, most);
  return { tokens, regions: [], excerpts: [], fitting: 0, draftTokens: tokens, draftRegions: [] };
}

/** Passages that the prompt has no room for, as spans: they precede it in what is drafted from. */
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

function join(runs: readonly Run[]): { tokens: Int32Array; regions: Region[] } {
  const tokens = new Int32Array(tokensIn(runs));
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

function tokensIn(runs: readonly Run[]): number {
  return runs.reduce((sum, { tokens }) => sum + tokens.length, 0);
}
