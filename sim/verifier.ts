/** A verifier on a virtual clock: the real link server, scheduler and sessions over a replaying engine. */
import { Nucleus } from '../gpu-backend/accept/warp.ts';
import { EchoDrafter } from '../gpu-backend/drafters/echo.ts';
import type { Seat } from '../gpu-backend/drafters/local-drafters.ts';
import { type LinkContext, serveLink } from '../gpu-backend/link/link-server.ts';
import { Scheduler } from '../gpu-backend/turn/scheduler.ts';
import { WaitingRoom } from '../gpu-backend/turn/waiting-room.ts';
import { Host } from './network.ts';
import { type Pace, ReplayEngine } from './replay-engine.ts';
import type { VirtualClock } from './virtual-clock.ts';

export const FINGERPRINT = { model: '0'.repeat(64), tokenizer: '0'.repeat(64) };

export interface Setup {
  vocabSize: number;
  slots?: number;
  /** How long steps take, and are believed to. */
  pace?: Pace;
  /** What drafts beside the engine in mode `echoed`; charges its time to `host`. */
  echo?: (host: Host) => Seat;
}

export class SimulatedVerifier {
  readonly host: Host;
  readonly engine: ReplayEngine;
  readonly scheduler: Scheduler;
  draining = false;
  private readonly context: LinkContext;

  constructor(
    clock: VirtualClock,
    { vocabSize, slots, pace, echo = () => new EchoDrafter() }: Setup,
  ) {
    this.host = new Host(clock);
    this.engine = new ReplayEngine(clock, this.host, vocabSize, slots, pace);
    this.scheduler = new Scheduler(this.engine, clock);
    const room = new WaitingRoom(clock, this.engine.limits.slots);
    this.scheduler.onFreed = (session) => room.freed(session, session.namespace);
    this.context = {
      room,
      engine: this.engine,
      scheduler: this.scheduler,
      nucleus: new Nucleus(vocabSize),
      limits: {
        fingerprint: FINGERPRINT,
        vocabSize,
        maxContext: this.engine.limits.maxContext,
      },
      clock,
      drafters: { seat: () => echo(this.host) },
      draining: () => this.draining,
    };
  }

  /** Takes a link at its end of a connection. */
  serve(end: Parameters<typeof serveLink>[0]): void {
    serveLink(end, this.context);
  }
}
