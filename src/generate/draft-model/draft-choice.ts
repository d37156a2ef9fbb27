/**
 * Which draft model an isolate is to serve: what R2 has for the target's tokenizer,
 * else the bundled one, if it reads that tokenizer. What was refused is not chosen
 * again. A model that still serves then goes on; one that was closed to make room for
 * a graph which does not run is not opened again, and the bundled one is chosen.
 */
import {
  type DraftEntry,
  type DraftFacts,
  type DraftRecord,
  DraftRefused,
} from '../../store/drafts.ts';
import { loggable } from '../../store/loggable.ts';
import { messageOf } from '../../store/message-of.ts';

/** How old what is known of R2 may be, and how long until what could not be read is tried again. */
export const LOOK_MS = 60_000;

/** Where draft models are found: R2, mostly. */
export interface DraftShelf {
  find(tokenizer: string): Promise<DraftEntry | null>;
  read(record: DraftRecord): Promise<ArrayBuffer>;
}

export interface BundledDraft {
  facts: DraftFacts;
  graph: ArrayBuffer | Uint8Array;
}

/** A model to be served. */
export interface Candidate {
  source: 'r2' | 'bundled';
  facts: DraftFacts;
  /** Of the upload. */
  version: string;
  /** Equal only for the same facts and graph. */
  identity: string;
  /** Of the graph. */
  bytes: number;
  read(shelf: DraftShelf): Promise<ArrayBuffer | Uint8Array>;
}

/** What is known of the shelf. */
interface Look {
  tokenizer: string;
  at: number;
  entry: DraftEntry | null;
  /** Why it could not be asked, where it could not: `entry` is then what it had before. */
  failure: string | null;
}

interface Refusal {
  version: string;
  reason: string;
  until: number;
}

export class DraftChoice {
  private readonly bundled: Candidate;
  private readonly now: () => number;
  private look: Look | null = null;
  private readonly refusals: Partial<Record<Candidate['source'], Refusal>> = {};

  constructor({ facts, graph }: BundledDraft, now: () => number) {
    this.bundled = {
      source: 'bundled',
      facts,
      version: 'bundled',
      identity: 'bundled',
      bytes: graph.byteLength,
      read: () => Promise.resolve(graph),
    };
    this.now = now;
  }

  /** Asks the shelf, if that is due. Never rejects. */
  async lookUp(shelf: DraftShelf, tokenizer: string): Promise<void> {
    const known = this.look?.tokenizer === tokenizer ? this.look : null;
    const at = this.now();
    if (known && at < known.at + LOOK_MS) return;
    try {
      this.look = { tokenizer, at, entry: await shelf.find(tokenizer), failure: null };
    } catch (error) {
      const failure = `R2 could not be asked for a draft model: ${messageOf(error)}`;
      this.look = { tokenizer, at, entry: known?.entry ?? null, failure };
      console.error(JSON.stringify({ event: 'draft_model_not_found', error: loggable(error) }));
    }
  }

  /** Whether the shelf was asked for this tokenizer, the last time it was. */
  knows(tokenizer: string): boolean {
    return this.look?.tokenizer === tokenizer;
  }

  /** What is to be served where `serving` is; null for nothing. */
  wanted(tokenizer: string, serving: Candidate | null): Candidate | null {
    const entry = this.entryOf(tokenizer);
    if (entry && 'record' in entry) {
      const candidate = onShelf(entry.version, entry.record);
      if (!this.refusalOf(candidate)) return candidate;
    }
    if (entry && serving?.facts.tokenizer === tokenizer) return serving;
    const fits = this.bundled.facts.tokenizer === tokenizer;
    return fits && !this.refusalOf(this.bundled) ? this.bundled : null;
  }

  /** `candidate` can't be served; where the reason may pass, it is tried again after a while. */
  refuse({ source, version }: Candidate, error: unknown): void {
    const until = error instanceof DraftRefused ? Number.POSITIVE_INFINITY : this.now() + LOOK_MS;
    this.refusals[source] = { version, reason: messageOf(error), until };
    console.error(JSON.stringify({ event: 'draft_model_failed', error: loggable(error) }));
  }

  /** Why something that is there for a tokenizer is not served; null where all is well. */
  reason(tokenizer: string): string | null {
    const entry = this.entryOf(tokenizer);
    if (entry && 'refused' in entry) return entry.refused;
    const refusal = entry && this.refusalOf(onShelf(entry.version, entry.record));
    if (refusal) return refusal.reason;
    const failure = this.knows(tokenizer) ? this.look!.failure : null;
    return failure ?? this.refusalOf(this.bundled)?.reason ?? null;
  }

  private entryOf(tokenizer: string): DraftEntry | null {
    return this.knows(tokenizer) ? this.look!.entry : null;
  }

  private refusalOf({ source, version }: Candidate): Refusal | null {
    const refusal = this.refusals[source];
    return refusal?.version === version && this.now() < refusal.until ? refusal : null;
  }
}

function onShelf(version: string, record: DraftRecord): Candidate {
  return {
    source: 'r2',
    facts: record,
    version,
    identity: JSON.stringify(record),
    bytes: record.bytes,
    read: (shelf) => shelf.read(record),
  };
}
