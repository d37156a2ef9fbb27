/** What the turns of one namespace leave to each other's echoes. */
import { Mixer } from '../../src/draft/blend/mixer.ts';
import { Lru } from '../../src/draft/lru.ts';
import { RecycledTable } from '../../src/draft/stores/recycled-table.ts';

/** Session, spans, and an alignment over each; recycled successors come on top. */
const STORES = 4;
/** Tokens of a namespace whose successors are kept, about 64 bytes each. */
const RECYCLED_TOKENS = 1 << 14;
/** Namespaces whose memories are kept, about 1 MB each at most. */
export const MAX_MEMORIES = 128;

export class EchoMemory {
  /** How far to trust which evidence: learned, and never any text. */
  readonly mixer: Mixer;
  /** The same with what a network said as one store more, for each network that may be asked. */
  readonly networked: readonly Mixer[];
  /** Successors of the tokens verified last; null where nothing is recycled. */
  readonly recycled: RecycledTable | null;

  constructor(
    recycled: RecycledTable | null = new RecycledTable(RECYCLED_TOKENS),
    mixer = new Mixer(STORES + (recycled ? 1 : 0)),
    networked: readonly Mixer[] = [],
  ) {
    this.recycled = recycled;
    this.mixer = mixer;
    this.networked = networked;
  }

  /** Shares the learned weights; starts with no successors and keeps none. */
  withoutSuccessors(): EchoMemory {
    const recycled = this.recycled && new RecycledTable(RECYCLED_TOKENS);
    return new EchoMemory(recycled, this.mixer, this.networked);
  }
}

/** One memory a namespace; the one used longest ago is forgotten first. */
export class EchoMemories {
  private readonly memories = new Lru<EchoMemory>(MAX_MEMORIES);
  private readonly networks: number;

  /** @param networks of which one may be asked beside the echo */
  constructor(networks = 0) {
    this.networks = networks;
  }

  get size(): number {
    return this.memories.size;
  }

  /** For a turn: without `remember` it neither draws on the successors of earlier turns nor leaves its own. */
  of({ namespace, remember }: { namespace: string; remember: boolean }): EchoMemory {
    const memory = this.memories.of(namespace, () => {
      const networked = Array.from({ length: this.networks }, () => new Mixer(STORES + 2));
      return new EchoMemory(undefined, undefined, networked);
    });
    return remember ? memory : memory.withoutSuccessors();
  }
}
