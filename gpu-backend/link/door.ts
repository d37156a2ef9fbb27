/**
 * The link's door: an HTTP upgrade that either becomes a WebSocket or is refused
 * with a status and a reason, before anything is allocated for it.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  agree,
  LINK_PATH,
  type LinkErrorCode,
  MAX_FRAME_BYTES,
  offer,
  SEAL_BYTES,
} from '../../src/link/protocol/index.ts';
import { RETRY_AFTER_MS, Refusal } from '../turn/refusal.ts';
import type { Tickets } from './tickets.ts';

/** Links open at once, those still without a session included. */
const MAX_LINKS = 2_048;
const STATUS: Partial<Record<LinkErrorCode, string>> = {
  unauthorized: '401 Unauthorized',
  fingerprint: '409 Conflict',
  version: '426 Upgrade Required',
  overloaded: '503 Service Unavailable',
  draining: '503 Service Unavailable',
};

export interface DoorContext {
  tickets: Tickets;
  draining(): boolean;
  /** Takes a link that came in. */
  serve(socket: WebSocket): void;
}

export class Door {
  private readonly context: DoorContext;
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES + SEAL_BYTES,
    // Frames are small and already dense: deflate would cost more than it saves.
    perMessageDeflate: false,
    handleProtocols: (names) => agree([...names].join(',')) ?? false,
  });
  /** Upgrades whose ticket is being checked. */
  private knocking = 0;

  constructor(context: DoorContext) {
    this.context = context;
  }

  get links(): ReadonlySet<WebSocket> {
    return this.sockets.clients;
  }

  /** For the HTTP server's `upgrade`. */
  async upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    // The peer may go while its ticket is checked.
    const ignore = () => {};
    socket.on('error', ignore);
    this.knocking++;
    try {
      this.checkRoom(request);
      await this.context.tickets.admit(request.headers.authorization);
    } catch (error) {
      return refuse(socket, error);
    } finally {
      this.knocking--;
    }
    socket.off('error', ignore);
    // Tokens are small and late ones cost a step: never wait to fill a packet.
    socket.setNoDelay(true);
    this.sockets.handleUpgrade(request, socket, head, (link) => this.context.serve(link));
  }

  private checkRoom({ url, headers }: IncomingMessage): void {
    // Only browsers send one, and a page has no business here, whatever keys it may have.
    if (headers.origin !== undefined)
      throw new Refusal('unauthorized', 'the link is not for web pages');
    if (url !== LINK_PATH) throw new Refusal('bad-frame', `the link is at ${LINK_PATH}`);
    if (agree(headers['sec-websocket-protocol']) === null) {
      throw new Refusal('version', `this verifier speaks ${offer()}`);
    }
    if (this.context.draining()) throw new Refusal('draining', 'this verifier shuts down');
    if (this.sockets.clients.size + this.knocking > MAX_LINKS) {
      throw new Refusal('overloaded', `more than ${MAX_LINKS} links`, RETRY_AFTER_MS);
    }
  }
}

/** `{"error": {"code", "message", "retry_after_ms"}}`, as the worker reads it. */
function refuse(socket: Socket, error: unknown): void {
  const refusal = error instanceof Refusal ? error : new Refusal('engine', String(error));
  const { code, message, retryAfterMs } = refusal;
  const body = JSON.stringify({ error: { code, message, retry_after_ms: retryAfterMs } });
  const retry = retryAfterMs > 0 ? `retry-after: ${Math.ceil(retryAfterMs / 1000)}\r\n` : '';
  socket.end(
    `HTTP/1.1 ${STATUS[code] ?? '400 Bad Request'}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n${retry}\r\n${body}`,
  );
}
