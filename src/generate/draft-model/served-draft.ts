/**
 * The draft model that an isolate serves: its session, and the turns that have it.
 *
 * `refresh` finds what is to be served and serves it; no turn waits for it. A newer
 * model's graph is read and checked while the old model serves. Only then do turns that
 * begin go without, until no turn has the old one and the newer one takes its place, as
 * an isolate's memory is not for two. So R2 can delay a swap, and switches nothing off.
 */
import { pause } from '../../pause.ts';
import { type DraftFacts, DraftRefused } from '../../store/drafts.ts';
import { type BundledDraft, type Candidate, DraftChoice, type DraftShelf } from './draft-choice.ts';
import { draftCacheBytes, MAX_CACHES_BYTES, requireFitting } from './draft-memory.ts';
import type { EdgeModel } from './edge-model.ts';
import { type EdgeRuntime, type OpenedModel, openEdgeModel } from './edge-session.ts';

/** A request that ends takes what it has not finished with it: after this long another one begins anew. */
const WORK_MS = 60_000;
/** Longer than this no turn keeps a newer model waiting: its next pass fails, and it goes on without. */
export const DRAIN_MS = 120_000;

export type DraftModelState =
  | {
      state: 'ready';
      id: string;
      source: Candidate['source'];
      create_ms: number;
      /** Of WebAssembly, all models of the isolate together. */
      heap_bytes: number;
      /** Why what R2 has does not serve in its place. */
      refused?: string;
    }
  | { state: 'cold' }
  | { state: 'off' }
  | { state: 'unfit' | 'failed'; reason: string };

/** The target, as far as a draft model depends on it. */
export interface DraftTarget {
  fingerprint: { tokenizer: string };
  hasToken(id: number): boolean;
}

/** A turn's hold on the model. */
export interface DraftLease {
  model: EdgeModel;
  /** Safe more than once. */
  end(): void;
}

interface Served extends OpenedModel {
  candidate: Candidate;
  createMs: number;
  turns: number;
}

interface ReadDraft {
  candidate: Candidate;
  graph: ArrayBuffer | Uint8Array;
}

/**
 * What takes the place of the model that serves. While it waits for that one's turns to
 * end, none begins. Its graph is kept meanwhile, as R2 might not give it a second time.
 */
interface Swap {
  /** Null where nothing is to serve. */
  to: ReadDraft | null;
  /** Of the target that it is for. */
  tokenizer: string;
  /** When it began to wait. */
  since: number;
}

export class ServedDraft {
  private readonly runtime: EdgeRuntime;
  private readonly choice: DraftChoice;
  private readonly now: () => number;
  private served: Served | null = null;
  /** Of the turns of a model that was closed under them too: they hold theirs until they end. */
  private cacheBytes = 0;
  private swap: Swap | null = null;
  /** The refresh under way: only what is finished is shared, as a promise made by one request can't be awaited by another. */
  private work: { since: number } | null = null;

  constructor(runtime: EdgeRuntime, bundled: BundledDraft, now: () => number) {
    this.runtime = runtime;
    this.choice = new DraftChoice(bundled, now);
    this.now = now;
  }

  /** The model for a turn that keeps at most `rows` tokens; null where it is not to be had now. */
  lease(tokenizer: string, rows: number): DraftLease | null {
    const { served } = this;
    if (!served || this.swap) return null;
    const { facts } = served.candidate;
    if (facts.tokenizer !== tokenizer) return null;
    const bytes = draftCacheBytes(facts, Math.min(rows, facts.positions));
    if (this.cacheBytes + bytes > MAX_CACHES_BYTES) return null;
    this.cacheBytes += bytes;
    served.turns++;
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      this.cacheBytes -= bytes;
      served.turns--;
    };
    return { model: served.model, end };
  }

  state(tokenizer: string): DraftModelState {
    const serving = this.served?.candidate ?? null;
    const reason = this.choice.reason(tokenizer);
    if (serving?.facts.tokenizer === tokenizer) {
      return {
        state: 'ready',
        id: serving.facts.id,
        source: serving.source,
        create_ms: this.served!.createMs,
        heap_bytes: this.runtime.heapBytes(),
        ...(reason !== null && { refused: reason }),
      };
    }
    if (!this.choice.knows(tokenizer) || this.choice.wanted(tokenizer, serving)) {
      return { state: 'cold' };
    }
    if (reason !== null) return { state: 'failed', reason };
    return {
      state: 'unfit',
      reason: `there is no draft model of the target’s tokenizer, ${tokenizer}: add one with npx espalier draft add`,
    };
  }

  /** Looks for what is to be served, where that is due, and serves it if that can be done now. Never rejects. */
  async refresh(shelf: DraftShelf, target: DraftTarget): Promise<void> {
    if (this.work && this.now() < this.work.since + WORK_MS) return;
    const work = { since: this.now() };
    this.work = work;
    const { tokenizer } = target.fingerprint;
    // A swap that waits needs R2 no more: where R2 hangs, it would leave turns without a model.
    if (this.swap?.tokenizer !== tokenizer) await this.choice.lookUp(shelf, tokenizer);
    while (this.work === work && (await this.attempt(shelf, target, work)));
    if (this.work === work) this.work = null;
  }

  /** One try at serving what is wanted; whether there is another to be made. */
  private async attempt(shelf: DraftShelf, target: DraftTarget, work: object): Promise<boolean> {
    const serving = this.served?.candidate ?? null;
    const wanted = this.choice.wanted(target.fingerprint.tokenizer, serving);
    if (wanted?.identity === serving?.identity) {
      this.swap = null;
      return false;
    }
    try {
      if (!this.swap || this.swap.to?.candidate.identity !== wanted?.identity) {
        this.swap = null;
        const to = wanted && (await read(wanted, shelf, target));
        if (this.work !== work) return false;
        this.swap = { to, tokenizer: target.fingerprint.tokenizer, since: this.now() };
      }
      const { to, since } = this.swap;
      if (!this.isDrained(since)) return false;
      // A pass that was begun ends before the next event.
      await pause();
      if (this.work !== work) return false;
      await this.close();
      if (to) await this.open(to, work);
      if (this.work === work) this.swap = null;
      return false;
    } catch (error) {
      if (this.work !== work) return false;
      this.swap = null;
      if (wanted) this.choice.refuse(wanted, error);
      return true;
    }
  }

  /** Whether turns no longer keep the model that is served. */
  private isDrained(since: number): boolean {
    return !this.served || this.served.turns === 0 || this.now() >= since + DRAIN_MS;
  }

  private async close(): Promise<void> {
    const { served } = this;
    this.served = null;
    await served?.close();
  }

  private async open({ candidate, graph }: ReadDraft, work: object): Promise<void> {
    const started = this.now();
    const opened = await openEdgeModel(candidate.facts, graph, this.runtime);
    // Clocks stand still while a worker computes: let it move before it is read.
    await pause();
    if (this.work !== work) return await opened.close();
    const createMs = this.now() - started;
    this.served = { ...opened, candidate, createMs, turns: 0 };
  }
}

/** Rejects with `DraftRefused` for what the worker can't serve, otherwise where R2 can't be asked. */
async function read(
  candidate: Candidate,
  shelf: DraftShelf,
  target: DraftTarget,
): Promise<ReadDraft> {
  requireFitting(candidate.facts, candidate.bytes);
  requireKnownTokens(candidate.facts, target);
  return { candidate, graph: await candidate.read(shelf) };
}

/** Throws `DraftRefused` where the target may not have every token of the draft's: the verifier ends a turn that names one which it does not know. */
function requireKnownTokens({ vocabSize }: DraftFacts, target: DraftTarget): void {
  if (target.hasToken(vocabSize - 1)) return;
  throw new DraftRefused(
    `it knows ${vocabSize} tokens, more than the tokenizer has: add it by npx espalier draft add, which leaves out what is too much`,
  );
}
