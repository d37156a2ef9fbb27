/**
 * Draft models in R2, one a tokenizer: a graph under its own hash, and the record
 * that names it. The graph is put first, so whoever reads a record finds its graph
 * whole. They are the instance's: whoever may write to its bucket adds one.
 */
import * as v from 'valibot';
import { sha256 } from './ids.ts';

/** A record has a few hundred. */
const MAX_RECORD_BYTES = 4_096;
/** Twice the longest that `draft add` makes. */
const MAX_POSITIONS = 4_096;

const hexHash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a hex sha256'));
const between = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));

const facts = {
  /** The model's name, for what is said by it alone. */
  id: v.pipe(
    v.string(),
    v.regex(/^[\w.:@/-]{1,128}$/, 'must be 1 to 128 letters, digits or .:@/-'),
  ),
  layers: between(1, 64),
  /** Values of a key or value row. */
  width: between(1, 8_192),
  vocabSize: between(1, 1 << 20),
  /** Positions that it can read. */
  positions: between(1, MAX_POSITIONS),
  /** Fingerprint of the tokenizer whose ids it reads. */
  tokenizer: hexHash,
};
const factsSchema = v.object(facts);
const recordSchema = v.object({
  ...facts,
  /** Of the graph: its sha256, which is its name, and its size. */
  graph: hexHash,
  bytes: between(1, Number.MAX_SAFE_INTEGER),
});

/** What the worker has to know of a graph. */
export type DraftFacts = v.InferOutput<typeof factsSchema>;
export type DraftRecord = v.InferOutput<typeof recordSchema>;

/** What R2 has for a tokenizer. Another upload has another version, and may be right where this one is not. */
export type DraftEntry = { version: string } & (
  | { record: DraftRecord }
  /** Why it can't be served. */
  | { refused: string }
);

/** The worker can't serve it, and asking again would change nothing; the message says what to do. */
export class DraftRefused extends Error {}

export function draftRecordKey(tokenizer: string): string {
  return `drafts/${tokenizer}/draft.json`;
}

export function draftGraphKey({ tokenizer, graph }: DraftRecord): string {
  return `drafts/${tokenizer}/${graph}.onnx`;
}

/** Null where there is none. Rejects where R2 can't be asked. */
export async function findDraft(files: R2Bucket, tokenizer: string): Promise<DraftEntry | null> {
  const object = await files.get(draftRecordKey(tokenizer));
  if (!object) return null;
  const { version, size } = object;
  if (size > MAX_RECORD_BYTES) {
    await object.body.cancel();
    return { version, refused: `its record has ${size} bytes, more than ${MAX_RECORD_BYTES}` };
  }
  try {
    return { version, record: parseRecord(await object.text(), tokenizer) };
  } catch (error) {
    if (error instanceof DraftRefused) return { version, refused: error.message };
    throw error;
  }
}

/** Throws `DraftRefused`. */
function parseRecord(text: string, tokenizer: string): DraftRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new DraftRefused('its record is no JSON');
  }
  const parsed = v.safeParse(recordSchema, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new DraftRefused(`its record: ${v.getDotPath(issue) ?? ''}: ${issue.message}`);
  }
  const record = parsed.output;
  if (record.tokenizer !== tokenizer) {
    throw new DraftRefused(`its record is of the tokenizer ${record.tokenizer}`);
  }
  return record;
}

/** Rejects with `DraftRefused` where it is not what the record says, otherwise where R2 can't be asked. */
export async function readDraftGraph(files: R2Bucket, record: DraftRecord): Promise<ArrayBuffer> {
  const object = await files.get(draftGraphKey(record));
  if (!object) throw new DraftRefused(`R2 has no ${draftGraphKey(record)}: add the draft again`);
  if (object.size !== record.bytes) {
    await object.body.cancel();
    throw new DraftRefused(
      `its graph has ${object.size} bytes and not ${record.bytes}: add the draft again`,
    );
  }
  const bytes = await object.arrayBuffer();
  const found = await sha256(bytes);
  if (found === record.graph) return bytes;
  throw new DraftRefused(
    `its graph has the sha256 ${found} and not ${record.graph}: add the draft again`,
  );
}
