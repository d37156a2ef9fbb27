/** Recorded outputs: what a model really wrote, as token ids, one JSON object a line. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Region } from '../../src/draft/drafter.ts';
import { benchData } from '../data-folder.ts';

interface Turn {
  prompt: Int32Array;
  response: Int32Array;
  /** Where the prompt's passages are, if recorded. */
  regions: readonly Region[];
  /** The target's most probable tokens at each place of the response, best first, if recorded. */
  top: readonly (readonly number[])[] | null;
}

export interface Conversation {
  category: string;
  turns: readonly Turn[];
}

interface TurnRow {
  prompt: number[];
  response: number[];
  regions?: Region[];
  top?: number[][];
}

interface Row extends Partial<TurnRow> {
  category?: string;
  turns?: TurnRow[];
}

const EXTENSION = /\.jsonl(\.gz)?$/;

const BUNDLED = join(import.meta.dirname, '../data/replay');

/** The large recordings where they are, else the small set of the bundled model. */
export function defaultFolder(): string {
  return benchData('replay') ?? BUNDLED;
}

/** The files of recorded conversations in `folder`, by name without `.jsonl.gz`. */
export function readTraces(folder: string): Map<string, Conversation[]> {
  if (!existsSync(folder)) {
    throw new Error(`no folder ${folder}: name one that holds .jsonl or .jsonl.gz files`);
  }
  const found = new Map<string, Conversation[]>();
  for (const file of readdirSync(folder).sort()) {
    if (!EXTENSION.test(file)) continue;
    const conversations = readRows(join(folder, file)).flatMap(({ category, turns }) =>
      // Rows of one answer without turns are a static store, not a conversation.
      turns ? [{ category: category ?? 'all', turns: turns.map(toTurn) }] : [],
    );
    if (conversations.length > 0) found.set(basename(file).replace(EXTENSION, ''), conversations);
  }
  if (found.size === 0) {
    throw new Error(`${folder} holds no .jsonl or .jsonl.gz file with conversations ("turns")`);
  }
  return found;
}

/** Whether the target's likeliest tokens are recorded everywhere: what recycling needs. */
export function hasTop(conversations: readonly Conversation[]): boolean {
  return conversations.every(({ turns }) => turns.every(({ top }) => top !== null));
}

/** The answers of a static store: rows with a `response`, or conversations. */
export function readDocuments(file: string): Int32Array[] {
  const documents = readRows(file).flatMap(({ response, turns }) =>
    response ? [response] : (turns ?? []).map((turn) => turn.response),
  );
  return documents.map((document) => Int32Array.from(document));
}

function readRows(file: string): Row[] {
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return text.split('\n').flatMap((line) => (line.trim() ? [JSON.parse(line) as Row] : []));
}

function toTurn({ prompt, response, regions, top }: TurnRow): Turn {
  return {
    prompt: Int32Array.from(prompt),
    response: Int32Array.from(response),
    regions: regions ?? [],
    top: top ?? null,
  };
}
