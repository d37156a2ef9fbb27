/** The verifier as a server: HTTP for what a worker needs to know, one WebSocket a turn for the link. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type AcceptRuleName, type LinkKey, pause } from '../../src/link/protocol/index.ts';
import { readJudge } from '../accept/lossy/judge-file.ts';
import { readNeighbours } from '../accept/lossy/neighbour-table.ts';
import { Nucleus } from '../accept/warp.ts';
import type { ModelFolder } from '../builder/model-folder.ts';
import { Echoes } from '../drafters/echoes.ts';
import type { LocalDrafters } from '../drafters/local-drafters.ts';
import type { Engine } from '../engine/engine.ts';
import { Grammars } from '../grammar/grammars.ts';
import { Refusal } from '../turn/refusal.ts';
import { Scheduler } from '../turn/scheduler.ts';
import { WaitingRoom } from '../turn/waiting-room.ts';
import { describeModel } from './describe.ts';
import { Door } from './door.ts';
import { httpRoutes } from './http-routes.ts';
import { type LinkContext, serveLink } from './link-server.ts';
import { nodeClock } from './node-clock.ts';
import { Tickets } from './tickets.ts';
import { wsTransport } from './ws-transport.ts';

const DRAIN_POLL_MS = 20;
/** Time for the last frames to leave. */
const FAREWELL_MS = 500;

export interface Verifier {
  /** `http://host:port` */
  url: string;
  /** Turns that hold a slot now. */
  active(): number;
  /**
   * Takes no more turns, gives those at work `graceMs` to finish, hands the rest
   * to other verifiers and frees the engine.
   */
  close(graceMs?: number): Promise<void>;
}

export interface VerifierOptions {
  host: string;
  port: number;
  /** Whose tickets open a link; none lets everybody in. */
  keys: readonly LinkKey[];
  /** Origins under which workers reach this verifier. */
  audiences: readonly string[];
  /** The accept rules that callers may ask for; absent for all. */
  acceptRules?: readonly AcceptRuleName[] | undefined;
}

/** Serves `model` on `engine`, with `drafters` beside it. Rejects when the port is taken. */
export async function startVerifier(
  model: ModelFolder,
  engine: Engine,
  { host, port, keys, audiences, acceptRules }: VerifierOptions,
  drafters: LocalDrafters = new Echoes(),
): Promise<Verifier> {
  const aids = {
    neighbours: readNeighbours(model.path, engine.limits.vocabSize),
    judge: readJudge(model.path, model.config.hiddenSize),
  };
  const description = describeModel(model, engine.limits, aids, acceptRules);
  const scheduler = new Scheduler(engine, nodeClock, drafters);
  const room = new WaitingRoom(nodeClock, engine.limits.slots);
  scheduler.onFreed = (session) => room.freed(session, session.namespace);
  let draining = false;
  const context: LinkContext = {
    engine,
    scheduler,
    room,
    nucleus: new Nucleus(engine.limits.vocabSize),
    limits: {
      aids,
      acceptRules,
      grammars: Grammars.of(model.path, engine.limits.vocabSize),
      fingerprint: description.fingerprint,
      vocabSize: engine.limits.vocabSize,
      maxContext: engine.limits.maxContext,
    },
    clock: nodeClock,
    drafters,
    draining: () => draining,
  };

  const door = new Door({
    tickets: new Tickets(keys, audiences, description.fingerprint, nodeClock),
    draining: () => draining,
    serve: (socket) => serveLink(wsTransport(socket, nodeClock), context),
  });
  const state = { engine, scheduler, room, drafters, draining: () => draining };
  const server = createServer(httpRoutes(model.path, description, state));
  server.on('upgrade', (request, socket, head) => {
    void door.upgrade(request, socket as Socket, head);
  });
  const bound = await listen(server, host, port);

  return {
    url: `http://${host}:${bound}`,
    active: () => scheduler.active,
    async close(graceMs = 0) {
      draining = true;
      room.close(new Refusal('draining', 'this verifier shuts down'));
      await during(graceMs, () => scheduler.active > 0);
      await scheduler.close();
      await during(FAREWELL_MS, () => door.links.size > 0);
      for (const link of door.links) link.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      drafters.close();
      engine.close();
    },
  };
}

/** The port that it got. Rejects when `port` is taken. */
async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Waits as long as something is under way, at most for `ms`. */
async function during(ms: number, underWay: () => boolean): Promise<void> {
  const deadline = nodeClock.now() + ms;
  while (underWay() && nodeClock.now() < deadline) await pause(nodeClock, DRAIN_POLL_MS);
}
