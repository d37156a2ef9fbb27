/** What the verifier serves over HTTP: the model's description and tokenizer, health, metrics. */
import { createReadStream } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { LINK_PATH } from '../../src/link/protocol/index.ts';
import { readTokenizerConfig } from '../builder/tokenizer-config.ts';
import type { LocalDrafters } from '../drafters/local-drafters.ts';
import type { Engine } from '../engine/engine.ts';
import { exposeEngine } from '../engine/exposition.ts';
import type { Scheduler } from '../turn/scheduler.ts';
import type { WaitingRoom } from '../turn/waiting-room.ts';
import type { describeModel } from './describe.ts';

export interface VerifierState {
  engine: Engine;
  scheduler: Scheduler;
  room: WaitingRoom;
  drafters: Pick<LocalDrafters, 'spent'>;
  draining(): boolean;
}

/** @param folder of the model, which has the tokenizer's files */
export function httpRoutes(
  folder: string,
  description: ReturnType<typeof describeModel>,
  { engine, scheduler, room, drafters, draining }: VerifierState,
): RequestListener {
  function health(response: ServerResponse): void {
    const status = draining() ? 'draining' : scheduler.alive ? 'ok' : 'stuck';
    json(response, status === 'ok' ? 200 : 503, {
      status,
      model: description.id,
      active: scheduler.active,
      waiting: room.size,
      slots: engine.limits.slots,
      exact: engine.limits.exact,
      exactness: engine.exactness,
      provider: engine.provider ?? null,
      type: engine.type ?? null,
    });
  }

  function metrics(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(exposeEngine(engine, scheduler.active, room, drafters.spent));
  }

  return function route({ method, url }, response) {
    if (method !== 'GET') return json(response, 405, { error: 'only GET is served here' });
    switch (url) {
      case '/health':
        return health(response);
      case '/metrics':
        return metrics(response);
      case '/model':
        return json(response, 200, description);
      case '/model/tokenizer.json':
        return file(response, join(folder, 'tokenizer.json'));
      case '/model/tokenizer_config.json':
        return json(response, 200, readTokenizerConfig(folder));
      default: {
        const error = `nothing here; the link is a WebSocket at ${LINK_PATH}`;
        return json(response, 404, { error });
      }
    }
  };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function file(response: ServerResponse, path: string): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  createReadStream(path)
    .on('error', () => response.destroy())
    .pipe(response);
}
