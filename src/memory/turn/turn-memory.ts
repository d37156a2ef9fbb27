/**
 * What one turn has of what outlives it: asks the stores that live in Durable
 * Objects as the answer grows, hands what they say to the worker's own drafter
 * and on to the verifier's echo, and leaves behind what the turn has shown.
 *
 * Nothing here is waited for. An object that is slow, full or gone costs the
 * answer nothing but what it would have saved.
 */

import type { Bindings } from '../../bindings.ts';
import { Source } from '../../draft/source.ts';
import type { Span } from '../../draft/stores/span-store.ts';
import type { Observation } from '../../meter/metric-names.ts';
import type { ChatMessage } from '../../model/chat-template.ts';
import { corpusAt } from '../../store/corpora.ts';
import { loggable } from '../../store/loggable.ts';
import type { Namespace } from '../../store/tenants.ts';
import { MAX_SHARDS } from '../objects/corpus-limits.ts';
import { tenantMemory } from '../objects/tenant-memory.ts';
import { answerKey, quotedKeys } from './answer-key.ts';
import { AskedStore } from './asked-store.ts';
import type { SharedMixer } from './shared-mixer.ts';
import type { RememberedDrafter, TurnDrafter } from './turn-drafter.ts';

/** Shards of stores' corpora that one turn asks; of a request with many stores, the first ones'. */
const MAX_CORPORA = 8;
/** Stores whose number of shards an isolate remembers. */
const MAX_REMEMBERED = 1_000;
const shardsOf = new Map<string, number>();

function rememberShards(store: string, shards: number): void {
  if (shardsOf.size >= MAX_REMEMBERED) shardsOf.clear();
  shardsOf.set(store, shards);
}

/** Shorter outputs are known to have been said, and not drafted from: there is next to nothing to guess. */
const MIN_OUTPUT = 4;
const NOTHING = new Int32Array(0);

/** What a turn has besides its memory, and where what is found goes. */
export interface TurnSurroundings {
  /** Of the tenant: what is quoted of them is drafted from. */
  storeIds: readonly string[];
  /** Tokens of the passages that the turn has anyway, in the prompt or not: they are not fetched again. */
  passages: readonly Int32Array[];
  /** Told what was fetched, for the verifier's echo. */
  onSpans(spans: readonly Span[]): void;
}

/** An answer that came to its end: as the client has it, and without the token that ends it. */
export interface WholeAnswer {
  said: ChatMessage;
  tokens: Int32Array;
}

export class TurnMemory {
  readonly drafter: TurnDrafter;
  private readonly env: Bindings;
  private readonly namespace: Namespace;
  private readonly mixer: SharedMixer | null;
  private readonly tenant: AskedStore;
  private readonly stores: AskedStore[];
  /** Passages that the turn has anyway, by their tokens: the best match of what quotes one is itself. */
  private readonly has: ReadonlySet<string>;
  private readonly onSpans: TurnSurroundings['onSpans'];
  private passages: readonly number[] = [];

  constructor(
    env: Bindings,
    namespace: Namespace,
    { drafter, mixer }: RememberedDrafter,
    { storeIds, passages, onSpans }: TurnSurroundings,
  ) {
    this.env = env;
    this.namespace = namespace;
    this.mixer = mixer;
    this.drafter = drafter;
    this.onSpans = onSpans;
    this.tenant = new AskedStore(
      Source.tenant,
      'T',
      (tail, held) => this.object.proceed(namespace.tenantId, tail, held),
      (runs) => this.take(runs),
    );
    this.stores = [this.tenant];
    this.has = new Set(passages.map((tokens) => tokens.join()));
    for (const storeId of storeIds) this.addShard(storeId, 0);
    this.drafter.onUnsure(() => {
      for (const store of this.stores) store.follow(() => this.drafter.tail);
    });
  }

  /** The turn opens with these passages before the model. Returns at once. */
  recall(passages: readonly number[]): void {
    this.passages = passages;
    const { mixer, namespace } = this;
    this.tenant.ask(async () => {
      const layout = mixer?.wantsState(Date.now()) ? mixer.stores : null;
      const { tenantId } = namespace;
      const recalled = await this.object.recall(tenantId, passages, layout);
      if (recalled.mixer) mixer?.receive(recalled.mixer, Date.now());
      return recalled.runs;
    });
  }

  /** Keeps a whole answer, and what its drafts have taught. Never rejects. */
  async learn({ said, tokens }: WholeAnswer, conversation: readonly ChatMessage[]): Promise<void> {
    try {
      const output = {
        tokens: tokens.length < MIN_OUTPUT ? NOTHING : tokens,
        hash: await answerKey(said, conversation.at(-1)),
        passages: this.passages,
        quotes: await quotedKeys(conversation),
      };
      const learned = { output, mixer: this.mixer?.takeChanges() ?? null };
      await this.object.learn(this.namespace.tenantId, learned);
    } catch (error) {
      console.error(JSON.stringify({ event: 'draft_memory_lost', error: loggable(error) }));
    }
  }

  observations(): Observation[] {
    return this.stores.flatMap((store) => store.observations());
  }

  private get object() {
    return tenantMemory(this.env, this.namespace);
  }

  /** Those that are known to be there are asked together; the last of them reports another. */
  private addShard(storeId: string, shard: number): void {
    if (shard === MAX_SHARDS || this.stores.length > MAX_CORPORA) return;
    const { env } = this;
    const { tenantId, tokenizer } = this.namespace;
    const place = { tenantId, storeId, tokenizer, shard };
    const known = `${tokenizer} ${storeId}`;
    let [opens, last] = [true, true];
    const store = new AskedStore(
      Source.corpus,
      'S',
      async (tail, held) => {
        const asked = corpusAt(env, place).proceed(place, tail, held, opens);
        opens = false;
        const { runs, more } = await asked;
        if (more && last) {
          last = false;
          rememberShards(known, shard + 2);
          this.addShard(storeId, shard + 1);
        }
        return runs;
      },
      (runs) => this.take(runs),
    );
    this.stores.push(store);
    if (shard + 1 < (shardsOf.get(known) ?? 1)) {
      last = false;
      this.addShard(storeId, shard + 1);
    }
  }

  private take(spans: readonly Span[]): void {
    const news = spans.filter(({ tokens }) => !this.has.has(tokens.join()));
    if (news.length === 0) return;
    this.drafter.learn(news);
    this.onSpans(news);
  }
}
