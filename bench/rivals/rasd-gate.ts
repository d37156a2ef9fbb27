/**
 * RASD (2503.03434): a retrieval tree and a drafter's tree, grown apart; the
 * retrieval tree is pruned by the drafter's distribution, then both are fused by
 * their longest common prefixes. Retrieval is REST's tree over a corpus, the
 * drafter ours over the session and earlier answers; without a corpus, earlier
 * answers are what is retrieved, and the drafter has the session. As an ablation it
 * shows what one distribution over all sources gains over a gate between two trees.
 *
 * No values of its constants are published that we know of: these are the best of a
 * small grid with the gate shut at all. Without it, it drafts better.
 */

import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import { Evidence } from '../../src/draft/blend/evidence.ts';
import type { Region } from '../../src/draft/drafter.ts';
import { Source } from '../../src/draft/source.ts';
import { AlignmentStore } from '../../src/draft/stores/alignment-store.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { fuse } from '../../src/draft/tree/fuse.ts';
import { selectBest } from '../../src/draft/tree/select.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { OutputStore } from '../stores/output-store.ts';
import type { Contender } from './contender.ts';
import { Datastore, type Retrieved } from './rest.ts';
import { Text } from './text.ts';

/** Observations that the drafter's opinion of a retrieved node counts for. */
const OPINION = 4;
/** Of the drafter's best first token: a retrieved one less probable is dropped with all below it. */
const GATE = 0.01;
const RETRIEVED_NODES = 64;
/** Earlier answers are indexed anew when there are so many times as many tokens of them. */
const REINDEXED_AT = 1.25;

export class RasdGate implements Contender {
  private readonly text = new Text();
  private datastore: Datastore;
  /** T, where the drafter has it. */
  private readonly outputs: OutputStore | null;
  private readonly drafter: BlendDrafter;
  /** Earlier answers, where they are what is retrieved. */
  private readonly answers: Int32Array[] = [];
  private answered = 0;
  private indexed = 0;
  private readonly evidence = new Evidence();
  private readonly drafted = new TokenTree();
  private readonly fused = new TokenTree();
  private last = 0;

  constructor(documents: readonly Int32Array[]) {
    this.datastore = new Datastore(documents);
    this.outputs = documents.length > 0 ? new OutputStore() : null;
    const stores = [new SessionStore(), ...(this.outputs ? [this.outputs] : [])];
    const aligned = stores.map((store) => new AlignmentStore(store));
    this.drafter = new BlendDrafter([...stores, ...aligned]);
  }

  begin(prompt: Int32Array, regions: readonly Region[]): void {
    this.text.reset(prompt);
    this.drafter.begin(prompt, regions);
    this.last = prompt.at(-1) ?? 0;
  }

  commit(tokens: Int32Array): void {
    this.text.push(tokens);
    this.drafter.commit(tokens);
    this.last = tokens.at(-1) ?? this.last;
  }

  end(output: Int32Array): void {
    if (this.outputs) return this.outputs.learn(output);
    this.answers.push(output);
    this.answered += output.length;
    if (this.answered < REINDEXED_AT * this.indexed) return;
    this.datastore = new Datastore(this.answers);
    this.indexed = this.answered;
  }

  draft(tree: TokenTree, budget: number): void {
    const { drafted, fused } = this;
    drafted.clear();
    this.drafter.draft(drafted, budget);
    const { nodes, hits } = this.datastore.retrieve(this.text, RETRIEVED_NODES);
    const weights = this.prune(nodes, hits);
    fused.clear();
    fuse(fused, drafted);
    const retrieved: number[] = [];
    for (const [i, { token, parent }] of nodes.entries()) {
      const under = parent === ROOT ? ROOT : retrieved[parent]!;
      const weight = weights[i]!;
      if (weight === 0 || under === undefined) continue;
      const known = fused.child(under, token);
      // Independent votes, as the paper fuses them.
      const both = known < 0 ? weight : 1 - (1 - fused.probs[known]!) * (1 - weight);
      retrieved[i] = fused.add(under, token, both, Source.corpus);
    }
    selectBest(fused, tree, budget);
  }

  /** Weight of each retrieved path: the product of counts smoothed by the drafter's opinion; 0 where the gate shuts. */
  private prune(nodes: readonly Retrieved[], hits: number): Float64Array {
    const weights = new Float64Array(nodes.length);
    const opinions = this.opinions(nodes);
    for (const [i, { parent, count }] of nodes.entries()) {
      if (parent === ROOT && opinions.ofNode[i]! < GATE * opinions.best) continue;
      const above = parent === ROOT ? 1 : weights[parent]!;
      const of = parent === ROOT ? hits : nodes[parent]!.count;
      const smoothed = (count + OPINION * opinions.ofNode[i]!) / (of + OPINION);
      weights[i] = above * smoothed;
    }
    return weights;
  }

  /** The drafter's probability of each retrieved node given its parent, and of its own best first token. */
  private opinions(nodes: readonly Retrieved[]) {
    const { drafter, evidence } = this;
    const { mixer, stores } = drafter;
    const ofNode = new Float64Array(nodes.length);
    const ask = (slot: number, last: number) => {
      evidence.clear();
      stores.forEach((store, i) => {
        store.gather(slot, evidence, i);
      });
      mixer.mix(evidence, last);
      for (const [i, { token, parent }] of nodes.entries()) {
        if (parent !== slot - 1) continue;
        const candidate = mixer.candidates.find(token);
        if (candidate >= 0) ofNode[i] = mixer.probs[candidate]!;
      }
    };
    ask(0, this.last);
    const best = Math.max(0, ...mixer.probs.subarray(0, mixer.candidates.size));
    for (const [i, { token, parent }] of nodes.entries()) {
      for (const store of stores) store.follow(parent + 1, token, i + 1);
      ask(i + 1, token);
    }
    return { ofNode, best };
  }
}
