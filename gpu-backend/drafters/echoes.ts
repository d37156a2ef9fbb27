/** The echo alone beside the engine: nothing to compute before a step. */

import { EchoDrafter } from './echo.ts';
import { EchoMemories } from './echo-memory.ts';
import type { LocalDrafters, Seat, SeatedTurn } from './local-drafters.ts';

export class Echoes implements LocalDrafters {
  readonly spent = [];
  private readonly memories = new EchoMemories();

  seat(turn: SeatedTurn): Seat {
    return new EchoDrafter(this.memories.of(turn));
  }

  async prepare(): Promise<void> {}

  settle(): void {}

  close(): void {}
}
