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

/** How far to trust which evidence: learned, and never any text. */
interface Mixers {
  echo: Mixer;
  /** The same with what a network said as one store more, whichever network is asked; made when one is. */
  networked?: Mixer;
}

export class EchoMemory {
  /** Successors of the tokens verified last; null where nothing is recycled. */
  readonly recycled: RecycledTable | null;
  private readonly mixers: Mixers;

  constructor(
    recycled: RecycledTable | null = new RecycledTable(RECYCLED_TOKENS),
    mixers: Mixers = { echo: new Mixer(storesWith(recycled)) },
  ) {
    this.recycled = recycled;
    this.mixers = mixers;
  }

  get echoMixer(): Mixer {
    return this.mixers.echo;
  }

  /** The mixer with a network's store, which comes after those of the echo. */
  get networkedMixer(): Mixer {
    this.mixers.networked ??= new Mixer(storesWith(this.recycled) + 1);
    return this.mixers.networked;
  }

  /** Shares the learned weights; starts with no successors and keeps none. */
  withoutSuccessors(): EchoMemory {
    const recycled = this.recycled && new RecycledTable(RECYCLED_TOKENS);
    return new EchoMemory(recycled, this.mixers);
  }
}

function storesWith(recycled: RecycledTable | null): number {
  return STORES + (recycled ? 1 : 0);
}

/** One memory a namespace; the one used longest ago is forgotten first. */
export class EchoMemories {
  private readonly memories = new Lru<EchoMemory>(MAX_MEMORIES);

  get size(): number {
    return this.memories.size;
  }

  /** For a turn: without `remember` it neither draws on the successors of earlier turns nor leaves its own. */
  of({ namespace, remember }: { namespace: string; remember: boolean }): EchoMemory {
    const memory = this.memories.of(namespace, () => new EchoMemory());
    return remember ? memory : memory.withoutSuccessors();
  }
}
