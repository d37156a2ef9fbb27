/**
 * Time as an 8B model on an H100 would take it, while the real small model computes:
 * what is accepted is measured, what it costs is said. Steps read the weights once
 * (16 GB at 3.35 TB/s and what a framework adds), further rows are almost free.
 */
import type { Network } from '../../gpu-backend/drafters/network.ts';
import type { Engine, StepRow } from '../../gpu-backend/engine/engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import type { Clock } from '../../src/link/protocol/index.ts';
import { changed } from './free-nodes.ts';

const STEP_MS = 7.5;
const ROW_MS = 0.02;
/** What a pass takes however small its network is: launches, and the way to the host and back. */
const PASS_MS = 0.4;

export class SimulatedTime {
  private ms = 0;
  readonly clock: Clock = { ...nodeClock, now: () => this.ms };

  /** `engine`, whose steps take what the large model's would. */
  target(engine: Engine): Engine {
    const cost = (rows: number) => STEP_MS + ROW_MS * rows;
    return changed(engine, {
      plan: () => growing(cost),
      stepCost: cost,
      probe: async () => false,
      step: async (rows: readonly StepRow[]) => {
        await engine.step(rows);
        this.ms += cost(rows.reduce((sum, row) => sum + row.count, 0));
      },
    });
  }

  /** `network`, whose runs take `share` of what the target's do. */
  network(network: Network, share: number): Network {
    const cost = (rows: number) => PASS_MS + share * (STEP_MS + ROW_MS * rows);
    return changed(network, {
      plan: () => growing(cost),
      read: async (questions: Parameters<Network['read']>[0]) => {
        await network.read(questions);
        this.ms += cost(
          questions.reduce((sum, one) => sum + one.tokens.length + one.nodes.length, 0),
        );
      },
    });
  }
}

function growing(cost: (rows: number) => number): GrowingStep {
  let rows = 1;
  return {
    get cost() {
      return cost(rows);
    },
    add: () => {
      rows++;
    },
  };
}
