/** The echo alone beside the engine: nothing to compute before a step. */
import type { Turn } from '../turn/admit.ts';
import type { Beside, Seat } from './beside.ts';
import { EchoDrafter } from './echo.ts';
import { EchoMemories } from './echo-memory.ts';

export class Echoes implements Beside {
  readonly spent = null;
  private readonly memories = new EchoMemories();

  seat(turn: Turn): Seat {
    return new EchoDrafter(this.memories.of(turn));
  }

  async prepare(): Promise<void> {}

  settle(): void {}

  close(): void {}
}
