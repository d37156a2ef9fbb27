/** What the word index has of passages, where that is not their text itself. */
import type { Bindings } from '../bindings.ts';
import type { IndexedWords } from '../store/documents.ts';
import { passagesWithoutWords, putWords } from '../store/words.ts';
import { indexedText } from './unspaced.ts';

/** Passages read and indexed at a time: 256 of the largest are 20 MB. */
const PASSAGES = 256;

interface Fields {
  title: string;
  heading: string;
  text: string;
}

export function indexedWords({ title, heading, text }: Fields): IndexedWords {
  return [indexedText(title), indexedText(heading), indexedText(text)];
}

/**
 * One step of indexing anew what was taken in before unspaced scripts had words.
 * Idempotent. False when there is nothing left to do.
 */
export async function reindex(env: Bindings, tenantId: number): Promise<boolean> {
  const passages = await passagesWithoutWords(env, tenantId, PASSAGES);
  if (passages.length === 0) return false;
  const indexed = passages.map((passage) => ({ id: passage.id, words: indexedWords(passage) }));
  await putWords(env, tenantId, indexed);
  return true;
}
