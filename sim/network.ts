/**
 * Connections through a network that takes time: each message leaves when the
 * line is free, travels half a round trip and what jitter and stalls add, and
 * arrives in order, as on a TCP stream. A tap may see, change, repeat or drop
 * messages, and a connection can be cut or go dead, which is how faults are made.
 */
import { PEER_DEADLINE_MS, PING_INTERVAL_MS } from '../gpu-backend/link/ws-transport.ts';
import type { Receiver, Transport } from '../src/link/protocol/index.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface Conditions {
  rttMs: number;
  /** Each message is delayed by up to so much more. */
  jitterMs: number;
  /** Of one direction. */
  bytesPerMs: number;
  /** Chance that a message meets a stall, and how long that is (a lost packet and its retransmission). */
  stallChance: number;
  stallMs: number;
}

/** WebSocket header with mask, TCP and IP headers: what a small message costs beyond itself. */
const MESSAGE_OVERHEAD_BYTES = 48;

/** Work that keeps a machine from sending: its messages leave when it is done. */
export class Host {
  private readonly clock: VirtualClock;
  /** When what it was given so far is done. */
  freeAt = 0;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  spend(ms: number): void {
    this.freeAt = Math.max(this.freeAt, this.clock.now()) + ms;
  }
}

export interface Connection {
  /** The two ends. */
  readonly near: End;
  readonly far: End;
  /** Breaks it: both ends learn of it after a trip. */
  cut(): void;
  /** From now on nothing arrives; the far end, which pings, finds out by itself. */
  goDead(): void;
}

/** What a direction makes of a message: usually itself. */
export type Tap = (message: Uint8Array) => Uint8Array[];

const pass: Tap = (message) => [message];

/** One end of a connection. */
export class End implements Transport {
  /** Changes what this end sends. */
  tap: Tap = pass;
  /** Messages and bytes sent, without overhead. */
  messages = 0;
  bytes = 0;
  dead = false;
  peer!: End;
  private receiver: Receiver | null = null;
  private closed = false;
  private lineFreeAt = 0;
  private lastArrival = 0;
  private readonly clock: VirtualClock;
  private readonly host: Host;
  private readonly conditions: Conditions;
  private readonly random: () => number;

  constructor(clock: VirtualClock, host: Host, conditions: Conditions, random: () => number) {
    this.clock = clock;
    this.host = host;
    this.conditions = conditions;
    this.random = random;
  }

  get unsent(): number {
    return Math.max(0, this.lineFreeAt - this.clock.now()) * this.conditions.bytesPerMs;
  }

  attach(receiver: Receiver): void {
    this.receiver = receiver;
  }

  send(message: Uint8Array): void {
    if (this.closed) return;
    this.messages++;
    this.bytes += message.length;
    for (const one of this.tap(message)) {
      this.travel(one.length, () => this.peer.receiver?.message(one));
    }
    const wait = this.lineFreeAt - this.clock.now();
    if (wait > 0) this.clock.after(wait, () => this.closed || this.receiver?.drained());
  }

  close(code: number): void {
    if (this.closed) return;
    this.closed = true;
    this.travel(0, () => this.peer.hangUp(code));
  }

  /** The other side is gone. */
  hangUp(code: number): void {
    if (this.closed) return;
    this.closed = true;
    this.receiver?.closed(code);
  }

  private travel(bytes: number, arrive: () => void): void {
    const { rttMs, jitterMs, bytesPerMs, stallChance, stallMs } = this.conditions;
    const leaves = Math.max(this.clock.now(), this.host.freeAt, this.lineFreeAt);
    this.lineFreeAt = leaves + (bytes + MESSAGE_OVERHEAD_BYTES) / bytesPerMs;
    const stall = stallChance > 0 && this.random() < stallChance ? stallMs : 0;
    const jitter = jitterMs > 0 ? this.random() * jitterMs : 0;
    this.lastArrival = Math.max(this.lastArrival, this.lineFreeAt + rttMs / 2 + jitter + stall);
    this.clock.after(this.lastArrival - this.clock.now(), () => {
      if (!this.dead && !this.peer.closed) arrive();
    });
  }
}

/** Resolves after the handshakes of TCP and WebSocket: two round trips. */
export async function connect(
  clock: VirtualClock,
  hosts: { near: Host; far: Host },
  conditions: Conditions,
  random: () => number,
): Promise<Connection> {
  await new Promise<void>((resolve) => {
    clock.after(2 * conditions.rttMs + conditions.jitterMs * random(), resolve);
  });
  const near = new End(clock, hosts.near, conditions, random);
  const far = new End(clock, hosts.far, conditions, random);
  near.peer = far;
  far.peer = near;
  return {
    near,
    far,
    cut() {
      clock.after(conditions.rttMs / 2, () => {
        near.hangUp(1006);
        far.hangUp(1006);
      });
    },
    goDead() {
      near.dead = true;
      far.dead = true;
      clock.after(PEER_DEADLINE_MS + PING_INTERVAL_MS, () => far.hangUp(1006));
    },
  };
}
