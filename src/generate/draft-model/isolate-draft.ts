/**
 * The draft model of this isolate, as `DRAFT_MODEL` wants it: out of R2 or bundled.
 * Its session is made after an answer or on /health, never while somebody waits for
 * a first token; until then turns go without, and where it can't be made they always do.
 */
import facts from '../../../models/draft/edge.json';
import graph from '../../../models/draft/edge.onnx';
import type { Bindings } from '../../bindings.ts';
import { createSession, heapBytes, Tensor } from '../../onnx/runtime.ts';
import { findDraft, readDraftGraph } from '../../store/drafts.ts';
import type { DraftShelf } from './draft-choice.ts';
import {
  type DraftLease,
  type DraftModelState,
  type DraftTarget,
  ServedDraft,
} from './served-draft.ts';

const runtime = { createSession, heapBytes, Tensor };
const served = new ServedDraft(runtime, { facts, graph }, Date.now);

const HOW = 'set it to "auto", "bundled" or "none"';

/** The model for a turn that keeps at most `rows` tokens of this tokenizer; null where it is not to be had now. */
export function leaseDraft(env: Bindings, tokenizer: string, rows: number): DraftLease | null {
  return shelfOf(env) && served.lease(tokenizer, rows);
}

/** Serves what is to be served, as far as that can be done now, and reports what is. Never rejects. */
export async function refreshDraft(env: Bindings, target: DraftTarget): Promise<DraftModelState> {
  const { DRAFT_MODEL } = env;
  const shelf = shelfOf(env);
  if (shelf) {
    await served.refresh(shelf, target);
    return served.state(target.fingerprint.tokenizer);
  }
  if (DRAFT_MODEL === 'none') return { state: 'off' };
  return { state: 'failed', reason: `DRAFT_MODEL is "${DRAFT_MODEL}": ${HOW}` };
}

const EMPTY: DraftShelf = {
  find: () => Promise.resolve(null),
  read: () => Promise.reject(new Error('there is nothing to read')),
};

/** Where draft models are looked for beside the bundled one; null for none at all. */
function shelfOf({ DRAFT_MODEL = 'auto', FILES }: Bindings): DraftShelf | null {
  if (DRAFT_MODEL === 'bundled') return EMPTY;
  if (DRAFT_MODEL !== 'auto') return null;
  return {
    find: (tokenizer) => findDraft(FILES, tokenizer),
    read: (record) => readDraftGraph(FILES, record),
  };
}
