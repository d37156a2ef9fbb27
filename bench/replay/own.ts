/** Our drafter over any of its stores, as a contender in a replay. */

import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import type { EvidenceStore } from '../../src/draft/blend/evidence.ts';
import { Segment } from '../../src/draft/segment/segment.ts';
import { buildSegment } from '../../src/draft/segment/segment-builder.ts';
import { AlignmentStore } from '../../src/draft/stores/alignment-store.ts';
import type { RecycledTable } from '../../src/draft/stores/recycled-table.ts';
import { RecyclingStore } from '../../src/draft/stores/recycling-store.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import type { Contender } from '../rivals/contender.ts';
import { CorpusStore } from '../stores/corpus-store.ts';
import { OutputStore } from '../stores/output-store.ts';

export class OwnDrafter extends BlendDrafter implements Contender {
  private readonly session: SessionStore | null;
  private readonly outputs: OutputStore | null;
  private readonly corpus: CorpusStore | null;
  private readonly recycled: RecycledTable | null;
  /** The most tokens that a session held: its memory is that turn's. */
  private longest = 0;

  /** `names`: letters of L, T, S and A; S holds `documents`. */
  constructor(names: readonly string[], documents: readonly Int32Array[]) {
    const session = names.includes('L') ? new SessionStore() : null;
    const outputs = names.includes('T') ? new OutputStore() : null;
    const corpus = names.includes('S')
      ? new CorpusStore(new Segment(buildSegment(documents)))
      : null;
    const recycled = names.includes('A') ? new RecyclingStore() : null;
    const stores: (EvidenceStore | null)[] = [session, outputs, corpus, recycled];
    if (session) stores.push(new AlignmentStore(session));
    if (outputs) stores.push(new AlignmentStore(outputs));
    super(stores.filter((store) => store !== null));
    this.session = session;
    this.outputs = outputs;
    this.corpus = corpus;
    this.recycled = recycled?.table ?? null;
  }

  end(output: Int32Array): void {
    this.outputs?.learn(output);
    if (this.session) this.longest = Math.max(this.longest, this.session.automaton.tokens);
  }

  observe(token: number, successors: ArrayLike<number>): void {
    this.recycled?.observe(token, successors);
  }

  /** Bytes a token held, by store; of the recycled, a token is a row. */
  bytesPerToken(): Record<string, number> {
    const { session, outputs, corpus, recycled } = this;
    return {
      ...(session && { L: session.bytes / this.longest }),
      ...(outputs && { T: outputs.bytes / Math.max(1, outputs.automaton.tokens) }),
      ...(corpus && { S: corpus.bytes / corpus.segment.text.length }),
      ...(recycled && { A: recycled.bytes / Math.max(1, recycled.size) }),
    };
  }
}
