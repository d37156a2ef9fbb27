/**
 * What the worker drafts with, over a tenant's successive turns: the session's
 * text and the tenant's earlier outputs, and the spans of those that it ships to
 * the echo. Co-located, the same drafter stands beside the engine.
 */
import type { Seat } from '../../gpu-backend/drafters/local-drafters.ts';
import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import { Source } from '../../src/draft/source.ts';
import { AlignmentStore } from '../../src/draft/stores/alignment-store.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { SpanQueue } from '../../src/generate/span-queue.ts';
import type { Span } from '../../src/link/protocol/index.ts';
import { OutputStore } from '../stores/output-store.ts';

/** Tokens of earlier outputs that are shipped when a turn opens: 8 kB for most tokenizers. */
const SHIPPED_TOKENS = 4096;
/** And with every step after that, while there are more. */
const TRICKLE_TOKENS = 64;

export class Edge extends BlendDrafter implements Seat {
  private readonly outputs: OutputStore;
  private readonly past: Int32Array[] = [];

  constructor() {
    const session = new SessionStore();
    const outputs = new OutputStore();
    // Aligned like the echo's stores, which it is compared with.
    super([session, outputs, new AlignmentStore(session), new AlignmentStore(outputs)]);
    this.outputs = outputs;
  }

  /** Co-located it has everything already. */
  learn(): void {}

  readonly networked = null;

  /** Recordings have no runners-up. */
  readonly recycles = false;
  observe(): void {}

  end(): void {}

  /** A turn is over, and wrote `output`. */
  remember(output: Int32Array): void {
    this.outputs.learn(output);
    this.past.push(output);
  }

  /** The latest outputs first, for a turn that opens now. */
  spans(): SpanQueue {
    return new TrickledOutputs(this.past.toReversed());
  }
}

/** Whole outputs of `SHIPPED_TOKENS` when the turn opens, and a few tokens more with every step. */
class TrickledOutputs extends SpanQueue {
  private readonly outputs: Int32Array[];
  private begins = true;
  private allowance = SHIPPED_TOKENS;

  constructor(outputs: Int32Array[]) {
    super();
    this.outputs = outputs;
  }

  override take(): Span[] {
    let left = this.allowance;
    this.allowance = TRICKLE_TOKENS;
    while (left > 0 && this.outputs.length > 0) {
      const output = this.outputs[0]!;
      const tokens = output.subarray(0, left);
      this.enqueue([{ source: Source.tenant, begins: this.begins, tokens }]);
      left -= tokens.length;
      this.begins = tokens.length === output.length;
      if (this.begins) this.outputs.shift();
      else this.outputs[0] = output.subarray(tokens.length);
    }
    return super.take();
  }
}
