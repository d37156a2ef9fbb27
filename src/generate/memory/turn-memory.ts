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
import type { SpanRun } from '../../draft/span-store.ts';
import { MAX_FRAME_SPAN_TOKENS, type Span } from '../../link/frames/index.ts';
import { sha256 } from '../../store/ids.ts';
import type { Observation } from '../../store/metric-names.ts';
import type { Namespace } from '../../store/tenants.ts';
import type { ChatMessage } from '../../store/tokenizer.ts';
import type { SpanSource } from '../turn.ts';
import { AskedStore } from './asked-store.ts';
import { type SharedMixer, sharedMixer } from './mixer-weights.ts';
import type { Said } from './said.ts';
import { tenantMemory } from './tenant-memory.ts';
import { TurnDrafter } from './turn-drafter.ts';

/** Shorter outputs say nothing that is worth a row. */
const MIN_OUTPUT = 4;

export class TurnMemory implements SpanSource {
  readonly drafter: TurnDrafter;
  private readonly env: Bindings;
  private readonly namespace: Namespace;
  private readonly mixer: SharedMixer;
  private readonly tenant: AskedStore;
  private readonly stores: AskedStore[];
  private passages: readonly number[] = [];
  private waiting: Span[];
  private arrived: () => void = () => {};

  /** @param spare what is shipped in any case, first */
  constructor(env: Bindings, namespace: Namespace, spare: SpanSource) {
    this.env = env;
    this.namespace = namespace;
    this.mixer = sharedMixer(namespace.key);
    this.drafter = new TurnDrafter(this.mixer.mixer);
    this.waiting = spare.next(Number.POSITIVE_INFINITY);
    this.tenant = new AskedStore(
      Source.tenant,
      'T',
      (tail, skip) => this.object.proceed(namespace.tenantId, tail, skip),
      (runs) => this.take(runs),
    );
    this.stores = [this.tenant];
    this.drafter.onCommit(() => {
      for (const store of this.stores) store.follow(() => this.drafter.tail);
    });
  }

  /** The turn opens with these passages before the model. Returns at once. */
  recall(passages: readonly number[]): void {
    this.passages = passages;
    const { mixer, namespace } = this;
    this.tenant.ask(async () => {
      const wants = mixer.wantsState(Date.now());
      const { runs, mixer: state } = await this.object.recall(namespace.tenantId, passages, wants);
      if (state) mixer.receive(state, Date.now());
      return runs;
    });
  }

  next(room: number): Span[] {
    const spans: Span[] = [];
    for (const span of this.waiting) {
      const length = Math.min(span.tokens.length, room, MAX_FRAME_SPAN_TOKENS);
      if (length === 0) break;
      room -= length;
      spans.push({ ...span, tokens: span.tokens.subarray(0, length) });
    }
    this.waiting = [];
    return spans;
  }

  notify(arrived: () => void): void {
    this.arrived = arrived;
  }

  /** Keeps a whole answer, and what its drafts have taught. Never rejects. */
  async learn({ text, tokens }: Said, conversation: readonly ChatMessage[]): Promise<void> {
    if (tokens.length < MIN_OUTPUT) return;
    try {
      const earlier = conversation.filter(({ role }) => role === 'assistant');
      const quotes = await Promise.all(earlier.map(({ content }) => hashOf(content)));
      const output = { tokens, hash: await hashOf(text), passages: this.passages, quotes };
      const mixer = this.mixer.takeChanges();
      await this.object.learn(this.namespace.tenantId, { output, mixer });
    } catch (error) {
      console.error(JSON.stringify({ event: 'draft_memory_lost', error: String(error) }));
    }
  }

  observations(): Observation[] {
    return this.stores.flatMap((store) => store.observations());
  }

  private get object() {
    return tenantMemory(this.env, this.namespace);
  }

  private take(runs: readonly SpanRun[]): void {
    this.drafter.learn(runs);
    this.waiting.push(...runs);
    this.arrived();
  }
}

/** Of an answer as a client sends it back in the next turn. */
function hashOf(text: string): Promise<string> {
  return sha256(text.trim());
}
