/** An answer as it grows: its text, as the client has it, and its tokens without the one that ends it. */

import type { Step } from '../../generate/text-stream.ts';
import type { Accept } from '../../link/protocol/index.ts';

export class Said {
  private readonly ids: number[] = [];
  private readonly pieces: string[] = [];

  get tokens(): Int32Array {
    return Int32Array.from(this.ids);
  }

  get text(): string {
    return this.pieces.join('');
  }

  add(step: Step, accept?: Accept): void {
    for (let i = 0; i < step.tokens; i++) this.ids.push(accept!.tokens[i]!);
    for (const { text } of step.pieces) this.pieces.push(text);
  }
}
