/** Recorded answers, made cheap to replay. */
import type { Region } from '../../src/draft/drafter.ts';
import { type Conversation, readTraces } from '../replay/traces.ts';

export interface RecordedTurn {
  prompt: Int32Array;
  regions: readonly Region[];
  answer: Int32Array;
}

export interface Recording {
  /** Its file's name without `.jsonl.gz`. */
  name: string;
  turns: RecordedTurn[];
  /** Distinct ids; the turns use 0 to this. */
  vocabSize: number;
}

/** Recordings in `folder`, at most about `mostTokens` of answers each, whole turns. Throws when there are none. */
export function readRecordings(folder: string, mostTokens: number): Recording[] {
  return [...readTraces(folder)].map(([name, conversations]) =>
    renumbered(name, conversations, mostTokens),
  );
}

/**
 * Ids are renumbered by first appearance: which tokens are equal is all that
 * drafting sees, and one-hot logits over a small vocabulary are cheap.
 */
function renumbered(
  name: string,
  conversations: readonly Conversation[],
  mostTokens: number,
): Recording {
  const numbers = new Map<number, number>();
  const renumber = (ids: Int32Array) =>
    ids.map((id) => {
      const known = numbers.get(id);
      if (known !== undefined) return known;
      numbers.set(id, numbers.size);
      return numbers.size - 1;
    });
  const turns: RecordedTurn[] = [];
  let tokens = 0;
  for (const { prompt, response, regions } of conversations.flatMap((one) => one.turns)) {
    if (tokens >= mostTokens) break;
    if (prompt.length === 0 || response.length === 0) continue;
    turns.push({ prompt: renumber(prompt), regions, answer: renumber(response) });
    tokens += response.length;
  }
  return { name, turns, vocabSize: numbers.size };
}
