/** Tokens of documents that are still to be indexed. Counting reads all of their rows, so each is counted once. */
import type { Bindings } from '../../bindings.ts';
import { type DocumentSize, sizesOf } from '../../store/corpus-texts.ts';
import type { CorpusPlace } from '../../store/objects/memory.ts';

export class DocumentSizes {
  private readonly counted = new Map<number, number>();

  /** Of those that have all their tokens, in the order of their ids. What is not asked for any more is forgotten. */
  async of(env: Bindings, place: CorpusPlace, ids: readonly number[]): Promise<DocumentSize[]> {
    const { counted } = this;
    const asked = new Set(ids);
    for (const id of counted.keys()) if (!asked.has(id)) counted.delete(id);
    const fresh = await sizesOf(
      env,
      place,
      ids.filter((id) => !counted.has(id)),
    );
    for (const { id, tokens } of fresh) counted.set(id, tokens);
    return [...counted].map(([id, tokens]) => ({ id, tokens })).sort((a, b) => a.id - b.id);
  }
}
