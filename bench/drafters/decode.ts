/** Answers through the verifier's own scheduler and session, without a link. */
import type { Nucleus } from '../../gpu-backend/accept/warp.ts';
import type { LocalDrafters, Seat } from '../../gpu-backend/drafters/local-drafters.ts';
import type { Engine } from '../../gpu-backend/engine/engine.ts';
import type { Turn } from '../../gpu-backend/turn/admit.ts';
import { Outbox } from '../../gpu-backend/turn/outbox.ts';
import { Scheduler } from '../../gpu-backend/turn/scheduler.ts';
import { Session } from '../../gpu-backend/turn/session.ts';
import {
  type Clock,
  decodeAccept,
  decodeDone,
  decodeError,
  FrameType,
} from '../../src/link/protocol/index.ts';

export interface Decoded {
  tokens: number[];
  steps: number;
  /** Candidates verified. */
  drafted: number;
  /** Tokens that the target did not draw itself. */
  deviations: number;
  /** Tokens drawn where a network moved the target. */
  moved: number;
  /** Of each token, where the turn asks for them. */
  logprobs: number[];
  /** To the first step's end, the prompt's reading with it, and from there to the last token, on the decoder's clock. */
  firstMs: number;
  decodeMs: number;
  /** The prompt's reading alone, in real time. */
  prefillMs: number;
}

export class Decoder {
  private readonly engine: Engine;
  private readonly nucleus: Nucleus;
  private readonly scheduler: Scheduler;
  private readonly clock: Clock;

  /** @param drafters prepare the seats of turns */
  constructor(engine: Engine, nucleus: Nucleus, clock: Clock, drafters?: LocalDrafters) {
    this.engine = engine;
    this.nucleus = nucleus;
    this.clock = clock;
    this.scheduler = new Scheduler(engine, clock, drafters);
    this.scheduler.onFreed = () => {};
  }

  /** @param seat null decodes plainly */
  decode(turn: Turn, seat: Seat | null): Promise<Decoded> {
    const slot = this.engine.acquire(
      turn.prompt,
      turn.prompt.length + turn.maxTokens,
      turn.namespace,
    );
    if (!slot) throw new Error('the engine has no free slot');
    const { clock } = this;
    return new Promise((resolve, reject) => {
      const tokens: number[] = [];
      const logprobs: number[] = [];
      let [deviations, moved] = [0, 0];
      const asked = clock.now();
      let began: number | undefined;
      const outbox = new Outbox({ unsent: 0, send: receive }, turn.prompt.length);
      const session = new Session(turn, slot, this.engine, this.nucleus, outbox, seat);
      this.scheduler.add(session);
      function receive(frame: Uint8Array): void {
        if (frame[0] === FrameType.accept) {
          const accept = decodeAccept(frame);
          const { tokens: accepted, position } = accept;
          deviations += accept.deviations ?? 0;
          moved += accept.moved ?? 0;
          logprobs.push(...(accept.logprobs?.committed ?? []));
          began ??= clock.now();
          tokens.push(...accepted);
          queueMicrotask(() => outbox.wasRead(position + accepted.length));
        } else if (frame[0] === FrameType.done) {
          const { steps, drafted, prefillMicros } = decodeDone(frame);
          const prefillMs = prefillMicros / 1000;
          const ended = clock.now();
          const firstMs = (began ?? ended) - asked;
          const decodeMs = ended - asked - firstMs;
          const counts = { tokens, steps, drafted, deviations, moved, logprobs };
          resolve({ ...counts, firstMs, decodeMs, prefillMs });
        } else {
          reject(new Error(decodeError(frame).message));
        }
      }
    });
  }

  close(): Promise<void> {
    return this.scheduler.close();
  }
}
