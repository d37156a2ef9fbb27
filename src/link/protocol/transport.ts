/**
 * What the link needs of a socket: whole binary messages, in order, until one
 * side closes. A WebSocket on either platform, or a simulated wire.
 */
export interface Transport {
  /** Queues one message. Does nothing once closed. */
  send(message: Uint8Array): void;
  /** Bytes queued that have not left yet; 0 where the platform doesn't say. */
  readonly unsent: number;
  /** Says goodbye and closes. Safe to call twice. */
  close(code: number, reason?: string): void;
  /** Names the one who receives. Called once, before anything can arrive. */
  attach(receiver: Receiver): void;
}

export interface Receiver {
  /** null: a text message, of which the protocol has none. */
  message(data: Uint8Array | null): void;
  /** The other side closed, or the connection broke. Called once; nothing follows. */
  closed(code: number): void;
  /** Less than before is unsent. */
  drained(): void;
}

/** Close codes of RFC 6455 §7.4.1 that the link uses. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  internalError: 1011,
} as const;
