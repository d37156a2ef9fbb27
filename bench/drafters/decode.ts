/** Answers through the verifier's own scheduler and session, without a link. */
import { performance } from 'node:perf_hooks';
import type { Nucleus } from '../../gpu-backend/accept/warp.ts';
import type { Echo } from '../../gpu-backend/drafters/echo.ts';
import type { Engine } from '../../gpu-backend/engine/engine.ts';
import { Outbox } from '../../gpu-backend/link/outbox.ts';
import type { Turn } from '../../gpu-backend/turn/admit.ts';
import { Scheduler } from '../../gpu-backend/turn/scheduler.ts';
import { Session } from '../../gpu-backend/turn/session.ts';
import { type Clock, decodeAccept, decodeDone, FrameType } from '../../src/link/protocol/index.ts';

export interface Decoded {
  tokens: number[];
  steps: number;
  /** Candidates verified. */
  drafted: number;
  /** From the end of the prompt to the last token, on the engine's clock. */
  decodeMs: number;
}

export class Decoder {
  private readonly engine: Engine;
  private readonly nucleus: Nucleus;
  private readonly scheduler: Scheduler;

  constructor(engine: Engine, nucleus: Nucleus, clock: Clock) {
    this.engine = engine;
    this.nucleus = nucleus;
    this.scheduler = new Scheduler(engine, clock);
    this.scheduler.onFreed = () => {};
  }

  /** @param echo null decodes plainly */
  decode(turn: Turn, echo: Echo | null): Promise<Decoded> {
    const slot = this.engine.acquire(
      turn.prompt,
      turn.prompt.length + turn.maxTokens,
      turn.namespace,
    );
    if (!slot) throw new Error('the engine has no free slot');
    return new Promise((resolve, reject) => {
      const tokens: number[] = [];
      let began = 0;
      const outbox = new Outbox({ unsent: 0, send: receive }, turn.prompt.length);
      const session = new Session(turn, slot, this.engine, this.nucleus, outbox, echo);
      this.scheduler.add(session);
      function receive(frame: Uint8Array): void {
        if (frame[0] === FrameType.accept) {
          const { tokens: accepted, position } = decodeAccept(frame);
          began ||= performance.now();
          tokens.push(...accepted);
          queueMicrotask(() => outbox.wasRead(position + accepted.length));
        } else if (frame[0] === FrameType.done) {
          const { steps, drafted } = decodeDone(frame);
          resolve({ tokens, steps, drafted, decodeMs: performance.now() - began });
        } else {
          reject(new Error(`a frame of type ${frame[0]} came`));
        }
      }
    });
  }

  close(): Promise<void> {
    return this.scheduler.close();
  }
}
