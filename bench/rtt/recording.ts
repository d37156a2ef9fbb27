/** Recorded answers of real models: `{turns: [{prompt: [ids], response: [ids]}]}`, one object a line. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface RecordedTurn {
  prompt: Int32Array;
  answer: Int32Array;
}

export interface Recording {
  /** File name up to its first dot and what names its half. */
  name: string;
  turns: RecordedTurn[];
  /** Distinct ids; the turns use 0 to this. */
  vocabSize: number;
}

const SUFFIX = /\.jsonl(\.gz)?$/;

/** Recordings in `folder`, at most about `mostTokens` of answers each, whole turns. Throws when there are none. */
export function readRecordings(folder: string, mostTokens: number): Recording[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => SUFFIX.test(name)) : [];
  const recordings = names
    .sort()
    .map((name) => readRecording(join(folder, name), name.replace(SUFFIX, ''), mostTokens))
    .filter(({ turns }) => turns.length > 0);
  if (recordings.length === 0) {
    throw new Error(
      `no recorded answers in ${folder}: name a folder with .jsonl or .jsonl.gz files of ` +
        '{"turns": [{"prompt": [ids], "response": [ids]}]}',
    );
  }
  return recordings;
}

/**
 * Ids are renumbered by first appearance: which tokens are equal is all that
 * drafting sees, and one-hot logits over a small vocabulary are cheap.
 */
function readRecording(path: string, name: string, mostTokens: number): Recording {
  const raw = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(raw) : raw).toString('utf8');
  const numbers = new Map<number, number>();
  const renumber = (ids: readonly number[]) =>
    Int32Array.from(ids, (id) => {
      const known = numbers.get(id);
      if (known !== undefined) return known;
      numbers.set(id, numbers.size);
      return numbers.size - 1;
    });
  const turns: RecordedTurn[] = [];
  let tokens = 0;
  for (const line of text.split('\n')) {
    if (line === '' || tokens >= mostTokens) continue;
    const { turns: recorded } = JSON.parse(line) as {
      turns?: { prompt: number[]; response: number[] }[];
    };
    for (const { prompt, response } of recorded ?? []) {
      if (prompt.length === 0 || response.length === 0) continue;
      turns.push({ prompt: renumber(prompt), answer: renumber(response) });
      tokens += response.length;
    }
  }
  return { name, turns, vocabSize: numbers.size };
}
