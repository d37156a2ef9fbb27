/** The link's connection as a Worker makes it, and a Worker's time. */
import type { Dial } from './failover.ts';
import { LinkFailure } from './failure.ts';
import type { Clock, Receiver, Transport } from './frames/index.ts';

/** Stands still while code runs and moves with I/O, which is all the link measures. */
export const workerClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
  breath: () => new Promise((resolve) => setTimeout(resolve, 0)),
};

/** Connects to `/v1/link` of the verifier at `url`. */
export const dial: Dial = async function dial(url) {
  let response: Response;
  try {
    response = await fetch(`${url}/v1/link`, { headers: { upgrade: 'websocket' } });
  } catch (cause) {
    throw new LinkFailure(
      'unreachable',
      `no verifier answers at ${url}: ${(cause as Error).message}`,
    );
  }
  const socket = response.webSocket;
  if (!socket) {
    throw new LinkFailure('unreachable', `the verifier at ${url} answered ${response.status}`);
  }
  return socketTransport(socket);
};

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
