/**
 * What each namespace knows of the networks: what asking one brings, whether that pays,
 * and by which its answers are quickest. The last two by class of load.
 */
import { Lru } from '../../src/draft/lru.ts';
import { Gain } from './gain.ts';
import { Price, Purse, Stake } from './price.ts';
import { PromptWorth } from './prompting.ts';
import { WayChoice } from './way-choice.ts';

/** Namespaces whose records are kept; the one used longest ago is forgotten first. */
const MAX_NAMESPACES = 256;

/** What a namespace knows of one way. All classes of load share the stake. */
interface Experience {
  gain: Gain;
  prices: Price[];
  stake: Stake;
  promptWorth: PromptWorth;
}

interface NamespaceRecord {
  /** By network. */
  experiences: Experience[];
  choices: WayChoice[];
}

export class NetworkRecords {
  /** Of the step that was prepared last: 0 for one session, 1 for two, 2 for up to four, and so on. */
  load = 0;
  private readonly networks: number;
  private readonly records = new Lru<NamespaceRecord>(MAX_NAMESPACES);
  private readonly purse: Purse;

  constructor(networks: number) {
    this.networks = networks;
    this.purse = new Purse(networks);
  }

  gain(namespace: string, way: number): Gain {
    return this.of(namespace).experiences[way]!.gain;
  }

  promptWorth(namespace: string, way: number): PromptWorth {
    return this.of(namespace).experiences[way]!.promptWorth;
  }

  price(namespace: string, way: number): Price {
    const { prices, stake } = this.of(namespace).experiences[way]!;
    prices[this.load] ??= new Price(stake);
    return prices[this.load]!;
  }

  choice(namespace: string): WayChoice {
    const { choices } = this.of(namespace);
    choices[this.load] ??= new WayChoice(this.networks);
    return choices[this.load]!;
  }

  /** A step is over. */
  step(): void {
    this.purse.step();
  }

  private of(namespace: string): NamespaceRecord {
    return this.records.of(namespace, () => ({
      experiences: Array.from({ length: this.networks }, () => ({
        gain: new Gain(),
        prices: [],
        stake: new Stake(this.purse),
        promptWorth: new PromptWorth(),
      })),
      choices: [],
    }));
  }
}
