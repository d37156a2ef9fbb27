/**
 * Our drafter as the service runs it: the worker's drafter of a turn, which has
 * the session's text in itself and asks T and S where its answer goes on when it
 * is unsure, within the limits of a turn. The objects' real cores answer here, in
 * this process; what they say arrives some steps later.
 */

import { Mixer } from '../../src/draft/blend/mixer.ts';
import type { Region } from '../../src/draft/drafter.ts';
import { buildSegment } from '../../src/draft/segment/segment-builder.ts';
import { Source } from '../../src/draft/source.ts';
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import { CORPUS_LIMITS } from '../../src/memory/objects/corpus-limits.ts';
import { CorpusSegments } from '../../src/memory/objects/corpus-segments.ts';
import { WORKER_STORES } from '../../src/memory/objects/mixer-weights.ts';
import { OUTPUT_LIMITS } from '../../src/memory/objects/output-limits.ts';
import { OutputMemory } from '../../src/memory/objects/output-memory.ts';
import { AskedStore } from '../../src/memory/turn/asked-store.ts';
import { TurnDrafter } from '../../src/memory/turn/turn-drafter.ts';
import type { Contender } from '../rivals/contender.ts';
import { sqlInMemory } from './sql-in-memory.ts';

/**
 * Until an answer is here the verifier ends this many steps: a question takes 3 ms
 * in one process and a step of a larger model 10 to 30. With 3, at most 0.4 %
 * fewer tokens a step.
 */
const STEPS_TO_ANSWER = 1;

export class ServiceDrafter implements Contender {
  private readonly mixer = new Mixer(WORKER_STORES);
  private readonly outputs = new OutputMemory(sqlInMemory(), OUTPUT_LIMITS);
  private readonly corpus: CorpusSegments | null;
  private drafter = new TurnDrafter(this.mixer);
  private arrivals: { step: number; arrive(): void }[] = [];
  private step = 0;

  constructor(documents: readonly Int32Array[]) {
    this.corpus = documents.length > 0 ? corpusOf(documents) : null;
  }

  begin(prompt: Int32Array, regions: readonly Region[]): void {
    this.step = 0;
    this.arrivals = [];
    const drafter = new TurnDrafter(this.mixer);
    this.drafter = drafter;
    const asked = (source: Source, label: string, core: OutputMemory | CorpusSegments) =>
      new AskedStore(
        source,
        label,
        async (tail, held) => {
          await this.after(STEPS_TO_ANSWER);
          return core.proceed(tail, held);
        },
        (runs) => drafter.learn(runs),
      );
    const tenant = asked(Source.tenant, 'T', this.outputs);
    const stores = [tenant, ...(this.corpus ? [asked(Source.corpus, 'S', this.corpus)] : [])];
    // Asked as the turn opens, answered while the prompt is prefilled.
    tenant.ask(async () => {
      await this.after(0);
      return this.outputs.recall([]);
    });
    drafter.onUnsure(() => {
      for (const store of stores) store.follow(() => drafter.tail);
    });
    drafter.begin(prompt, regions);
  }

  commit(tokens: Int32Array): void {
    this.drafter.commit(tokens);
    this.step++;
  }

  draft(tree: TokenTree, budget: number): void {
    this.drafter.draft(tree, budget);
  }

  async settle(): Promise<void> {
    const due = this.arrivals.filter(({ step }) => step <= this.step);
    if (due.length === 0) return;
    this.arrivals = this.arrivals.filter((arrival) => !due.includes(arrival));
    for (const { arrive } of due) arrive();
    await new Promise(setImmediate);
  }

  end(output: Int32Array): void {
    const { outputs } = this;
    outputs.learn({ tokens: output, hash: output.join(), passages: [], quotes: [] });
    for (let build = outputs.nextBuild(); build; build = outputs.nextBuild()) {
      outputs.publish(build, buildSegment(build.texts));
    }
  }

  private after(steps: number): Promise<void> {
    return new Promise((arrive) => {
      this.arrivals.push({ step: this.step + steps, arrive });
    });
  }
}

/** Segments as the object of a store builds them. */
function corpusOf(documents: readonly Int32Array[]): CorpusSegments {
  const corpus = new CorpusSegments(sqlInMemory());
  for (let from = 0; from < documents.length; ) {
    let to = from;
    for (let tokens = 0; to < documents.length; to++) {
      tokens += documents[to]!.length;
      if (to > from && tokens > CORPUS_LIMITS.segmentTokens) break;
    }
    const contents = documents.slice(from, to).map((_, i) => ({ id: from + i, passages: 1 }));
    corpus.publish(`${from}`, buildSegment(documents.slice(from, to)), contents, []);
    from = to;
  }
  return corpus;
}
