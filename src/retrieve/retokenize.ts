/**
 * Token ids anew, where documents have none of the served model's tokenizer: after the
 * model was changed. Until then a passage gets its ids when a search finds it, and
 * nothing is drafted from the rest of its store.
 */
import type { Bindings } from '../bindings.ts';
import { pause } from '../pause.ts';
import { completeTokens, putTokens } from '../store/tokens.ts';
import { documentWithout, passagesWithout } from '../store/unprepared.ts';
import { ENCODED_A_SLICE, type Encode } from './chunk.ts';

/** Passages read and written at a time: some twenty milliseconds, in which D1 answers nobody else. */
const PASSAGES = 128;

/** The served model's. */
interface Tokenizer {
  /** Hex sha256 of tokenizer.json. */
  hash: string;
  encode: Encode;
}

/**
 * One step of it; idempotent. False when there is nothing left to do.
 * @param prepared given the stores of documents that have all their ids now
 */
export async function retokenize(
  env: Bindings,
  tenantId: number,
  { hash, encode }: Tokenizer,
  prepared: (storeId: string) => void,
): Promise<boolean> {
  const documentId = await documentWithout(env, tenantId, { idsBy: hash });
  if (documentId === undefined) return false;
  const passages = await passagesWithout(env, documentId, { idsBy: hash }, PASSAGES);
  const encoded: { id: number; ids: Int32Array }[] = [];
  let sinceRest = 0;
  for (const { id, text } of passages) {
    encoded.push({ id, ids: encode(text) });
    sinceRest += text.length;
    if (sinceRest < ENCODED_A_SLICE) continue;
    await pause();
    sinceRest = 0;
  }
  if (encoded.length > 0) await putTokens(env, hash, encoded);
  if (passages.length < PASSAGES) {
    for (const storeId of await completeTokens(env, documentId, hash)) prepared(storeId);
  }
  return true;
}
