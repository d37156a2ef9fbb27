/** The link's connection as a Worker makes it, and a Worker's time. */
import type { Dial } from './failover.ts';
import { LinkFailure } from './failure.ts';
import {
  type Clock,
  LINK_ERRORS,
  LINK_PATH,
  type LinkErrorCode,
  type LinkKey,
  offer,
  type Receiver,
  type TicketClaims,
  type Transport,
} from './protocol/index.ts';
import { signTicket } from './ticket.ts';

/** Stands still while code runs and moves with I/O, which is all the link measures. */
export const workerClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
  breath: () => new Promise((resolve) => setTimeout(resolve, 0)),
};

/**
 * Connects to verifiers with a ticket that `key` signs, for the model of
 * `claims`; without a key to verifiers that ask for none.
 */
export function dialer(key: LinkKey | undefined, claims: TicketClaims): Dial {
  return async function dial(url) {
    const headers: Record<string, string> = {
      upgrade: 'websocket',
      'sec-websocket-protocol': offer(),
    };
    let response: Response;
    try {
      if (key) headers.authorization = `Bearer ${await signTicket(key, url, claims)}`;
      response = await fetch(url + LINK_PATH, { headers });
    } catch (cause) {
      throw new LinkFailure(
        'unreachable',
        `no verifier answers at ${url}: ${(cause as Error).message}`,
      );
    }
    if (!response.webSocket) throw await refusal(url, response);
    return socketTransport(response.webSocket);
  };
}

/** Long enough for any reason a verifier gives. */
const MAX_REASON_LENGTH = 2048;

async function refusal(url: string, response: Response): Promise<LinkFailure> {
  const text = (await response.text().catch(() => '')).slice(0, MAX_REASON_LENGTH);
  try {
    const { error } = JSON.parse(text) as {
      error: { code: LinkErrorCode; message: string; retry_after_ms: number };
    };
    if (LINK_ERRORS.includes(error.code)) {
      return new LinkFailure(
        error.code,
        `the verifier at ${url} refused: ${String(error.message)}`,
        Number(error.retry_after_ms) || 0,
      );
    }
  } catch {
    // Not a verifier's answer: a proxy's, or another server's.
  }
  return new LinkFailure('unreachable', `the verifier at ${url} answered ${response.status}`);
}

function socketTransport(socket: WebSocket): Transport {
  socket.binaryType = 'arraybuffer';
  socket.accept();
  let closed = false;
  return {
    send(message) {
      if (closed) return;
      try {
        socket.send(message);
      } catch {
        // Closed in this very moment; the event that says so is on its way.
      }
    },
    // Workers don't say. Credit bounds what can be queued.
    unsent: 0,
    close(code, reason) {
      if (closed) return;
      closed = true;
      try {
        socket.close(code, reason);
      } catch {
        // Closed by the other side already.
      }
    },
    attach(receiver: Receiver) {
      const end = (code: number) => {
        if (closed) return;
        closed = true;
        receiver.closed(code);
      };
      socket.addEventListener('message', ({ data }) => {
        if (!closed) receiver.message(data instanceof ArrayBuffer ? new Uint8Array(data) : null);
      });
      socket.addEventListener('close', ({ code }) => end(code));
      socket.addEventListener('error', () => end(1006));
      // It may have been refused while the prompt was still being made.
      if (socket.readyState !== WebSocket.OPEN) queueMicrotask(() => end(1006));
    },
  };
}
