/** A `ws` socket as the link's transport, with the pings that distinguish a silent peer from a dead one. */
import type { WebSocket } from 'ws';
import { type Clock, every, type Receiver, type Transport } from '../../src/link/protocol/index.ts';

/** Peers answer pings by themselves, whatever their program does. */
export const PING_INTERVAL_MS = 2_000;
/** A peer that is not heard of for so long is gone: power cut, cable, a network that forgot the connection. */
export const PEER_DEADLINE_MS = 6_000;
/** Time for the closing handshake, after which the socket is cut. */
const GOODBYE_MS = 1_000;

export function wsTransport(socket: WebSocket, clock: Clock): Transport {
  let receiver: Receiver | null = null;
  let heardAt = clock.now();
  const heard = () => {
    heardAt = clock.now();
  };
  const stopPings = every(clock, PING_INTERVAL_MS, () => {
    if (clock.now() - heardAt > PEER_DEADLINE_MS) socket.terminate();
    else if (socket.readyState === socket.OPEN) socket.ping();
  });

  socket.on('pong', heard);
  socket.on('message', (data, isBinary) => {
    heard();
    // `ws` hands over one Buffer a message unless configured otherwise.
    receiver?.message(isBinary ? (data as Buffer) : null);
  });
  socket.on('close', (code) => {
    stopPings();
    receiver?.closed(code);
  });
  // 'close' follows every 'error'; without a listener Node would throw it.
  socket.on('error', () => {});

  return {
    send(message) {
      if (socket.readyState !== socket.OPEN) return;
      socket.send(message, () => receiver?.drained());
    },
    get unsent() {
      return socket.bufferedAmount;
    },
    close(code, reason) {
      if (socket.readyState >= socket.CLOSING) return;
      socket.close(code, reason);
      const cut = clock.after(GOODBYE_MS, () => socket.terminate());
      socket.once('close', cut);
    },
    attach(to) {
      receiver = to;
    },
  };
}
