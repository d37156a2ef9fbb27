/**
 * The Durable Object of one tenant and one model: what outlives its answers. T,
 * past outputs, and what the drafter's mixers have learned. Its name is derived on the server, so no request can reach
 * another tenant's.
 *
 * D1 is the truth about what has been deleted. A tenant's `purges` rises with
 * every deletion of passages; an object that has seen another number asks which
 * of the passages behind its outputs are left, and drops the outputs of the
 * others, before it answers. So a deletion need not reach the object, and can't
 * be missed while it is asleep.
 */

import { DurableObject } from 'cloudflare:workers';
import type { Bindings } from '../../bindings.ts';
import { SegmentBuilder } from '../../draft/segment/segment-builder.ts';
import { deadPassages } from '../../store/documents.ts';
import type {
  KeptRange,
  KeptRun,
  Learned,
  MixerState,
  Recalled,
  TenantMemoryObject,
} from '../../store/objects/memory.ts';
import { type Namespace, purgesOf } from '../../store/tenants.ts';
import { alarmWithin } from './alarm.ts';
import { applyChanges, freshState, KEPT_LAYOUTS } from './mixer-weights.ts';
import { OUTPUT_LIMITS, type OutputLimits } from './output-limits.ts';
import { OutputMemory } from './output-memory.ts';
import { buildInSlices } from './sliced-build.ts';

/** In the middle of a turn the truth may be this old. */
const STALE_MS = 1_000;
/** Weights are written together: what an eviction can lose is this much time. */
const SAVE_EVERY_MS = 2_000;
/** So often an object that nobody asks looks whether its outputs may still be kept. */
const SWEEP_MS = 6 * 3_600_000;
/** Passages that one query asks after. */
const PASSAGES_A_QUERY = 10_000;

export class TenantMemory extends DurableObject<Bindings> implements TenantMemoryObject {
  /** Smaller in tests. */
  protected readonly limits: OutputLimits = OUTPUT_LIMITS;
  private held: OutputMemory | null = null;
  private tidying: Promise<void> | null = null;
  /** By how many stores each weighs. */
  private readonly mixers = new Map<number, MixerState>();
  private tenantId: number | null = null;
  /** The tenant's `purges` that the outputs were checked against. */
  private purges: number | null = null;
  private checkedAt = Number.NEGATIVE_INFINITY;

  /** @param layout stores that the mixer asked for weighs; null for none */
  async recall(
    tenantId: number,
    passages: readonly number[],
    layout: number | null,
  ): Promise<Recalled> {
    if (!(await this.check(tenantId, 0))) return { runs: [], mixer: null };
    return {
      runs: this.outputs.recall(passages),
      mixer: layout === null ? null : this.mixerOf(layout),
    };
  }

  /**
   * Outputs in which the end of an answer occurs; nothing that the turn has
   * already. `opens`: its first question, for which nothing may be stale.
   */
  async proceed(
    tenantId: number,
    tail: Int32Array,
    held: readonly KeptRange[],
    opens = false,
  ): Promise<KeptRun[]> {
    if (!(await this.check(tenantId, opens ? 0 : STALE_MS))) return [];
    return this.outputs.proceed(tail, held);
  }

  async learn(tenantId: number, { output, mixer }: Learned): Promise<void> {
    if (!(await this.check(tenantId, 0))) return;
    const state = mixer && this.mixerOf(mixer.stores);
    if (state) applyChanges(state, mixer);
    await alarmWithin(this.ctx.storage, SAVE_EVERY_MS);
    // A passage may have been deleted while the answer was written, and that noted by another turn since.
    for (let purges = Number.NaN; purges !== this.purges; ) {
      if (!(await this.check(tenantId, 0))) return;
      purges = this.purges!;
      const dead = await this.deadOf(output.passages);
      if (dead.length > 0) return;
    }
    this.outputs.learn(output);
    if (this.outputs.isUntidy) await alarmWithin(this.ctx.storage, 0);
  }

  override async alarm(): Promise<void> {
    this.restore();
    if (this.tenantId === null || !(await this.check(this.tenantId, 0))) return;
    for (const [stores, { weights, energy }] of this.mixers) {
      this.ctx.storage.sql.exec(
        'INSERT OR REPLACE INTO mixers (stores, weights, energy) VALUES (?, ?, ?)',
        stores,
        weights.buffer,
        energy.buffer,
      );
    }
    this.tidying ??= this.tidy().finally(() => {
      this.tidying = null;
    });
    await this.tidying;
    await alarmWithin(this.ctx.storage, SWEEP_MS);
  }

  /** Builds segments until there is nothing to build. Others are answered between slices. */
  private async tidy(): Promise<void> {
    const { outputs } = this;
    for (let build = outputs.nextBuild(); build; build = outputs.nextBuild()) {
      const bytes = await buildInSlices(new SegmentBuilder(build.texts));
      // The tenant went meanwhile, and everything here with it.
      if (this.held !== outputs) return;
      outputs.publish(build, bytes);
    }
  }

  protected get outputs(): OutputMemory {
    this.held ??= new OutputMemory(this.ctx.storage.sql, this.limits);
    return this.held;
  }

  /**
   * Drops what may not be said any more. False when the tenant is gone: then
   * nothing is left here either.
   */
  private async check(tenantId: number, staleMs: number): Promise<boolean> {
    this.claim(tenantId);
    if (Date.now() - this.checkedAt < staleMs) return true;
    const purges = await purgesOf(this.env, tenantId);
    if (purges === undefined) {
      await this.forgetAll();
      return false;
    }
    if (purges !== this.purges) {
      this.outputs.forget(await this.deadOf(this.outputs.passages()));
      this.remember('purges', purges);
      this.purges = purges;
    }
    if (this.outputs.isUntidy) await alarmWithin(this.ctx.storage, 0);
    this.checkedAt = Date.now();
    return true;
  }

  /** Those of the passages that are in no store of the tenant any more. */
  private async deadOf(passages: readonly number[]): Promise<number[]> {
    const dead: number[] = [];
    for (let from = 0; from < passages.length; from += PASSAGES_A_QUERY) {
      const some = passages.slice(from, from + PASSAGES_A_QUERY);
      dead.push(...(await deadPassages(this.env, this.tenantId!, some)));
    }
    return dead;
  }

  /** An object is one tenant's for good: another's number is a fault of ours, and gets nothing. */
  private claim(tenantId: number): void {
    this.restore();
    if (this.tenantId === null) {
      this.tenantId = tenantId;
      this.remember('tenant', tenantId);
    }
    if (tenantId !== this.tenantId) {
      throw new Error(`the memory of tenant ${this.tenantId} was asked for tenant ${tenantId}`);
    }
  }

  private restore(): void {
    if (this.tenantId !== null) return;
    const { sql } = this.ctx.storage;
    sql.exec('CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL)');
    sql.exec(
      'CREATE TABLE IF NOT EXISTS mixers (stores INTEGER PRIMARY KEY, weights BLOB, energy BLOB)',
    );
    const facts = new Map([...sql.exec('SELECT name, value FROM facts').raw<[string, number]>()]);
    this.tenantId = facts.get('tenant') ?? null;
    this.purges = facts.get('purges') ?? null;
  }

  private remember(name: string, value: number): void {
    this.ctx.storage.sql.exec(
      'INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)',
      name,
      value,
    );
  }

  /** null for a layout that is not kept. */
  private mixerOf(stores: number): MixerState | null {
    if (!KEPT_LAYOUTS.includes(stores)) return null;
    const state = this.mixers.get(stores) ?? this.readMixer(stores) ?? freshState(stores);
    this.mixers.set(stores, state);
    return state;
  }

  /** null where there is none, or one of another size: it is learned anew. */
  private readMixer(stores: number): MixerState | null {
    const { sql } = this.ctx.storage;
    const [row] = [
      ...sql
        .exec('SELECT weights, energy FROM mixers WHERE stores = ?', stores)
        .raw<[ArrayBuffer, ArrayBuffer]>(),
    ];
    const bytes = freshState(stores).weights.byteLength;
    if (row?.[0].byteLength !== bytes || row[1].byteLength !== bytes) return null;
    return { weights: new Float32Array(row[0]), energy: new Float32Array(row[1]) };
  }

  private async forgetAll(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.mixers.clear();
    this.held = this.tenantId = this.purges = null;
  }
}

/** The namespace's object: tenant, model and tokenizer are in its name. */
export function tenantMemory(env: Bindings, namespace: Namespace) {
  const { TENANT_MEMORY } = env;
  return TENANT_MEMORY.get(TENANT_MEMORY.idFromName(namespace.key));
}
