/**
 * The Durable Object of one shard of a store's corpus: S, segments over the
 * store's passages, to draft from what an answer quotes and the prompt does not
 * have. Built off the path of any request: an alarm after ingestion, segment by
 * segment, each in slices; what was in R2 when an alarm was cut off is not made
 * again.
 *
 * D1 is the truth, as for vectors. A store's `revision` rises when a document
 * comes or goes; an object that has seen another one looks which documents are
 * left, hides the others before it answers, and builds what is missing soon. A
 * store that outgrows its object continues in the next shard.
 */

import { DurableObject } from 'cloudflare:workers';
import type { Bindings } from '../../bindings.ts';
import { SegmentBuilder } from '../../draft/segment/segment-builder.ts';
import { DamagedSegment } from '../../draft/segment/segment-layout.ts';
import { corpusAt, deletePrefix, shardPrefix } from '../../store/corpora.ts';
import {
  type DocumentTexts,
  documentsOf,
  readTexts,
  storeState,
} from '../../store/corpus-texts.ts';
import { newId } from '../../store/ids.ts';
import type {
  CorpusPlace,
  CorpusStatus,
  KeptRange,
  Proceeded,
  StoreCorpusObject,
} from '../../store/objects/memory.ts';
import { putInSlices } from '../../store/put-in-slices.ts';
import { alarmWithin } from './alarm.ts';
import { CORPUS_LIMITS, type CorpusLimits, MAX_SHARDS } from './corpus-limits.ts';
import { nextSegment, roomBeside, segmentsToMerge, tokensIn, within } from './corpus-plan.ts';
import { CorpusSegments, type HeldSegment } from './corpus-segments.ts';
import { DocumentSizes } from './document-sizes.ts';
import { buildInSlices } from './sliced-build.ts';

/** In the middle of a turn the truth may be this old. */
const STALE_MS = 1_000;
/** So often an object that nobody asks looks whether its text is still wanted. */
const SWEEP_MS = 6 * 3_600_000;

export class StoreCorpus extends DurableObject<Bindings> implements StoreCorpusObject {
  /** Smaller in tests. */
  protected readonly limits: CorpusLimits = CORPUS_LIMITS;
  private place: CorpusPlace | null = null;
  private corpus: CorpusSegments | null = null;
  private loading: Promise<CorpusSegments> | null = null;
  /** The store's `revision` that the documents were checked against. */
  private revision: number | null = null;
  private checkedAt = Number.NEGATIVE_INFINITY;
  private readonly sizes = new DocumentSizes();
  private building: SegmentBuilder | null = null;

  /** Documents have come or gone: the alarm sees to it. */
  async wake(place: CorpusPlace): Promise<void> {
    await this.claim(place);
    await alarmWithin(this.ctx.storage, 0);
  }

  /** Documents for which the shard before this one has no room: this one's, and those of the shards after it. */
  async assign(place: CorpusPlace, documents: readonly number[]): Promise<void> {
    await this.claim(place);
    await this.ctx.storage.put('assigned', Int32Array.from(documents));
    await alarmWithin(this.ctx.storage, 0);
  }

  /**
   * Passages in which the end of an answer occurs; nothing that the turn has
   * already. `opens`: the turn's first question, for which nothing may be stale.
   */
  async proceed(
    place: CorpusPlace,
    tail: Int32Array,
    held: readonly KeptRange[],
    opens: boolean,
  ): Promise<Proceeded> {
    await this.claim(place);
    const state = await this.check(opens ? 0 : STALE_MS);
    if (state !== 'open') return { runs: [], more: false };
    const corpus = await this.load();
    return { runs: corpus.proceed(tail, held), more: await this.hasNextShard() };
  }

  async status(): Promise<CorpusStatus> {
    const corpus = await this.load();
    return {
      documents: corpus.documents().size,
      tokens: corpus.tokens,
      bytes: corpus.bytes,
      segments: corpus.held.length,
      progress: this.building?.progress ?? null,
      more: await this.hasNextShard(),
    };
  }

  override async alarm(): Promise<void> {
    this.place ??= (await this.ctx.storage.get<CorpusPlace>('place')) ?? null;
    if (!this.place || (await this.check(0)) === 'gone') return;
    const more = await this.buildNext(this.place);
    await alarmWithin(this.ctx.storage, more ? 0 : SWEEP_MS);
  }

  /** Builds one segment, the most needed; false when nothing is left to do. */
  private async buildNext(place: CorpusPlace): Promise<boolean> {
    const corpus = await this.load();
    const broken = corpus.held.find(({ holes }) => holes);
    if (broken) {
      await this.take(corpus, corpus.textsOf(broken), [broken]);
      return true;
    }
    const { fitting, beyond, dropped } = await this.missing(corpus, place);
    if (dropped) return true;
    if (fitting.length > 0) {
      await this.take(corpus, await readTexts(this.env, place, fitting), []);
      return true;
    }
    await this.passOn(place, beyond);
    return false;
  }

  /** Documents that no segment has: those for the next segment, and those for which there is no room here. */
  private async missing(corpus: CorpusSegments, place: CorpusPlace) {
    const alive = await documentsOf(this.env, place);
    const assigned = await this.ctx.storage.get<Int32Array>('assigned');
    const ours =
      place.shard === 0 ? alive : new Set([...(assigned ?? [])].filter((id) => alive.has(id)));
    // The shard before this one has room again.
    const moved = corpus.hideAllBut(ours);
    const held = corpus.documents();
    const open = [...ours].filter((id) => !held.has(id));
    const sizes = await this.sizes.of(this.env, place, open);
    const { fitting, beyond } = nextSegment(sizes, roomBeside(corpus, this.limits), this.limits);
    return { fitting, beyond, dropped: moved > 0 };
  }

  /**
   * Makes a segment of texts that are new or what is left of another one, together
   * with segments that are not much longer: each is then at least twice as long as
   * the next shorter one, or too long for a segment together with it. So few
   * remain, whatever comes and goes, and each token is moved seldom.
   */
  private async take(
    corpus: CorpusSegments,
    texts: readonly DocumentTexts[],
    from: readonly HeldSegment[],
  ): Promise<void> {
    const merged = segmentsToMerge(corpus, tokensIn(texts), from, this.limits);
    const kept = merged.flatMap((held) => corpus.textsOf(held));
    await this.replace(corpus, [...kept, ...texts], [...merged, ...from]);
  }

  /** Builds a segment of these texts in place of others: first in R2, then known, then the old ones deleted. */
  private async replace(
    corpus: CorpusSegments,
    texts: readonly DocumentTexts[],
    replaced: readonly HeldSegment[],
  ): Promise<void> {
    const place = this.place!;
    const contents = texts.map(({ id, passages }) => ({
      id,
      passages: within(passages, this.limits.segmentTokens),
    }));
    const key = shardPrefix(place) + newId('seg_');
    const bytes = await this.build(contents.flatMap(({ passages }) => passages));
    if (bytes) await putInSlices(this.env.FILES, key, new Uint8Array(bytes));
    // What went while this was built, from this segment or any other, is hidden; what goes from here on, the next check finds.
    const state = await storeState(this.env, place);
    const alive = await documentsOf(this.env, place);
    if (!state || this.corpus !== corpus) {
      // The store went, its keys perhaps before this one was there.
      await this.env.FILES.delete(key);
      return;
    }
    this.revision = state.revision;
    const counted = contents.map(({ id, passages }) => ({ id, passages: passages.length }));
    const old = replaced.map(({ key }) => key);
    if (bytes) corpus.publish(key, bytes, counted, replaced);
    else for (const { id } of replaced) corpus.remove(id);
    corpus.hideAllBut(alive);
    if (old.length > 0) await this.env.FILES.delete(old);
  }

  /** The segment of these texts, or null of none. Others' requests are served between slices. */
  protected async build(passages: readonly Int32Array[]): Promise<ArrayBuffer | null> {
    if (passages.length === 0) return null;
    const builder = new SegmentBuilder(passages);
    this.building = builder;
    try {
      return await buildInSlices(builder);
    } finally {
      this.building = null;
    }
  }

  /** Throws unless index and rows agree. For tests. */
  protected checkIntegrity(): void {
    this.corpus?.checkIntegrity();
  }

  private async passOn(place: CorpusPlace, beyond: readonly number[]): Promise<void> {
    const last = place.shard === MAX_SHARDS - 1;
    if (last || (beyond.length === 0 && !(await this.hasNextShard()))) return;
    const next = { ...place, shard: place.shard + 1 };
    await this.ctx.storage.put('more', beyond.length > 0);
    await corpusAt(this.env, next).assign(next, beyond);
  }

  /** Whether documents of the store are in the shard after this one. */
  private async hasNextShard(): Promise<boolean> {
    return (await this.ctx.storage.get<boolean>('more')) ?? false;
  }

  /** Hides what the store does not hold any more. `gone`: the store is, and everything here with it. */
  private async check(staleMs: number): Promise<'open' | 'expired' | 'gone'> {
    if (Date.now() - this.checkedAt < staleMs) return 'open';
    const place = this.place!;
    const state = await storeState(this.env, place);
    if (!state) {
      await this.forgetAll(place);
      return 'gone';
    }
    if (state.expired) return 'expired';
    if (state.revision !== this.revision) {
      const corpus = await this.load();
      const alive = await documentsOf(this.env, place);
      const gone = corpus.hideAllBut(alive);
      const fresh = alive.size > corpus.documents().size;
      this.revision = state.revision;
      if (gone > 0 || fresh) await alarmWithin(this.ctx.storage, 0);
    }
    this.checkedAt = Date.now();
    return 'open';
  }

  /** The segments, out of R2 when the object has just woken. One that is damaged is dropped, to be built again. */
  private async load(): Promise<CorpusSegments> {
    if (this.corpus) return this.corpus;
    this.loading ??= this.read().finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  private async read(): Promise<CorpusSegments> {
    const corpus = new CorpusSegments(this.ctx.storage.sql);
    for (const { id, key } of corpus.listed()) {
      const bytes = await (await this.env.FILES.get(key))?.arrayBuffer();
      try {
        if (!bytes) throw new DamagedSegment('it is gone');
        corpus.hold(id, key, bytes);
      } catch (error) {
        if (!(error instanceof DamagedSegment)) throw error;
        console.error(JSON.stringify({ event: 'segment_dropped', key, error: error.message }));
        corpus.remove(id);
        await alarmWithin(this.ctx.storage, 0);
      }
    }
    this.corpus = corpus;
    return corpus;
  }

  /** An object is one place's for good: another one's question is a fault of ours, and gets nothing. */
  private async claim(place: CorpusPlace): Promise<void> {
    this.place ??= (await this.ctx.storage.get<CorpusPlace>('place')) ?? null;
    if (!this.place) {
      this.place = place;
      await this.ctx.storage.put('place', place);
    }
    if (JSON.stringify(this.place) !== JSON.stringify(place)) {
      throw new Error(`the corpus at ${describe(this.place)} was asked for ${describe(place)}`);
    }
  }

  private async forgetAll(place: CorpusPlace): Promise<void> {
    await deletePrefix(this.env, shardPrefix(place));
    const next = { ...place, shard: place.shard + 1 };
    if (await this.hasNextShard()) await corpusAt(this.env, next).wake(next);
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.corpus = this.place = this.revision = null;
  }
}

function describe({ tenantId, storeId, shard }: CorpusPlace): string {
  return `tenant ${tenantId}, store ${storeId}, shard ${shard}`;
}
