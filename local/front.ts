/**
 * What listens on the address that `npm start` prints, before the worker in
 * `wrangler dev`. The local runtime believes headers that any client can send
 * (`MF-Original-URL` names the URL, `CF-Connecting-IP` the caller) and serves
 * tools of its own under /cdn-cgi/. The front drops both. It vouches for programs
 * on this machine with a secret that the worker and it alone know, so that they
 * need no key; everybody else does. A page of another origin can't get there by
 * a name that resolves to 127.0.0.1 either, as its Host gives it away.
 */
import { randomUUID } from 'node:crypto';
import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  request as sendOn,
} from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { faultOf, refuse, refuseUnreadable } from './malformed.ts';

/** Carries the secret to the worker. */
const LOCAL_HEADER = 'x-espalier-local';
/** Numbers a request for the worker, which is told on this path that its client has left. */
const REQUEST_HEADER = 'x-espalier-request';
const LEFT_PATH = '/local/left';

const LOOPBACK_ADDRESSES = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);
/** What the local runtime acts on, and the front's own. */
const DROPPED = /^(mf-|cf-|x-espalier-(local|request)$)/;
/**
 * What proxies, tunnels and CDNs add: the caller is then elsewhere. A proxy that
 * adds nothing can't be told from a program on this machine.
 */
const FORWARDING =
  /^(forwarded|via|cf-.+|x-forwarded-.+|x-(real|client|cluster-client|original-forwarded|envoy-external)-.+|x-(original|proxyuser|remote|coming-from|host|azure|appengine|amzn|vercel|nf|railway|ngrok).*|(true|fastly|fly|do|ali|incap|wl-proxy|proxy)-client-ip|(proxy|tailscale|ngrok|fly)-.+|client-ip|cdn-loop|remote-addr)$/;
/**
 * So often, while an answer is awaited, the worker is asked something else. `wrangler dev`
 * repeats a GET whose connection the worker has closed, as one does that could not run for
 * five seconds, but only when another request comes: a lone one would wait for ever.
 */
const NUDGE_MS = 2_000;
/** Until a worker that is being started again may be asked. */
const RETRY_SECONDS = 1;
/** Before each repetition of a request that only reads and that the runtime has lost: a page is whole or it is broken. */
const PAUSES_MS = [100, 200, 400, 800, 1_600];

export interface FrontOptions {
  /** Where clients come in, on loopback. */
  port: number;
  /** Where the worker listens, on loopback. */
  workerPort: number;
  /** Vouches for callers on this machine. */
  secret: string;
}

/** Listens until the server is closed. Rejects if the port can't be had. */
export async function startFront(options: FrontOptions): Promise<Server> {
  const awaited = new Set<ClientRequest>();
  /** By connection, the answer to its latest request. */
  const answers = new WeakMap<object, ServerResponse>();
  const onRequest: RequestListener = (request, response) => {
    answers.set(request.socket, response);
    void serve(request, response, options, awaited);
  };
  // A request without a host is refused in the API's own form.
  const server = createServer({ requireHostHeader: false }, onRequest);
  server.on('clientError', (error, socket) => {
    const answer = answers.get(socket);
    refuseUnreadable(error, socket, answer?.headersSent === true && !answer.writableEnded);
  });
  server.on('checkExpectation', (_request, response) => {
    refuse(response, 417, null, 'the header "Expect" may only be "100-continue"');
  });
  const nudging = setInterval(() => {
    if (awaited.size > 0) nudge(options.workerPort);
  }, NUDGE_MS);
  server.once('close', () => clearInterval(nudging));
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(options.port, '127.0.0.1', listening);
  });
  return server;
}

/** Passes a request on; again, if the runtime loses one that may be repeated. */
async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: FrontOptions,
  awaited: Set<ClientRequest>,
): Promise<void> {
  const fault = faultOf(request);
  if (fault) return refuse(response, fault.status, null, fault.message);
  if ((await passOn(request, response, options, awaited)) === 'answered') return;
  for (const pauseMs of isRepeatable(request) ? PAUSES_MS : []) {
    await sleep(pauseMs);
    if (response.destroyed) return;
    if ((await passOn(request, response, options, awaited)) === 'answered') return;
  }
  // A body that broke off has been answered as such.
  if (response.destroyed || !request.socket.writable) return;
  busy(response);
}

function isRepeatable({ method, headers }: IncomingMessage): boolean {
  return (
    (method === 'GET' || method === 'HEAD') &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}

/** Resolves when the worker's answer has begun or the client has left, or when there will be none. */
function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  { workerPort, secret }: FrontOptions,
  awaited: Set<ClientRequest>,
): Promise<'answered' | 'lost'> {
  const number = randomUUID();
  const upstream = sendOn({
    host: '127.0.0.1',
    port: workerPort,
    method: request.method,
    path: request.url,
    headers: { ...headersFor(request, secret), [REQUEST_HEADER]: number },
    agent: false,
  });
  awaited.add(upstream);
  for (const end of ['response', 'error', 'close']) {
    upstream.once(end, () => awaited.delete(upstream));
  }
  request.on('error', () => upstream.destroy());
  request.pipe(upstream);
  return new Promise((resolve) => {
    let isOver = false;
    const settle = (outcome: 'answered' | 'lost') => {
      isOver = true;
      resolve(outcome);
    };
    upstream.on('response', (answer) => {
      if (isProxyFailure(answer)) {
        answer.resume();
        return settle('lost');
      }
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
      // Streams send their head before their first text.
      response.flushHeaders();
      answer.pipe(response);
      // The worker died in mid-answer: the client must not take what it has for the whole.
      answer.on('error', () => response.destroy());
      settle('answered');
    });
    upstream.on('error', () => {
      if (response.headersSent) response.destroy();
      settle('lost');
    });
    // A client that leaves ends its turn, also one that waits for an answer to begin.
    response.on('close', () => {
      upstream.destroy();
      if (!isOver) tellLeft(workerPort, secret, number);
      settle('answered');
    });
  });
}

function nudge(port: number): void {
  const request = sendOn({ host: '127.0.0.1', port, path: '/health/live', agent: false });
  request.setTimeout(NUDGE_MS, () => request.destroy());
  request.on('response', (answer) => answer.resume());
  request.on('error', () => {});
  request.end();
}

/** The runtime's proxy loses requests while the worker is busy or starts again; the worker names all its answers. */
function isProxyFailure({ statusCode = 502, headers }: IncomingMessage): boolean {
  return statusCode >= 500 && headers['x-request-id'] === undefined;
}

function busy(response: ServerResponse): void {
  response.setHeader('retry-after', RETRY_SECONDS);
  refuse(response, 503, 'overloaded', 'the worker is busy or starting: try again in a moment');
}

/** The runtime's proxy does not pass it on. */
function tellLeft(port: number, secret: string, number: string): void {
  const headers = { [LOCAL_HEADER]: secret, [REQUEST_HEADER]: number };
  sendOn({ host: '127.0.0.1', port, path: LEFT_PATH, headers, agent: false })
    .on('response', (answer) => answer.resume())
    // A worker that is not there has nobody waiting.
    .on('error', () => {})
    .end();
}

function headersFor(request: IncomingMessage, secret: string): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (!DROPPED.test(name)) headers[name] = value;
  }
  if (isLocal(request)) headers[LOCAL_HEADER] = secret;
  return headers;
}

/** True for a program on this machine, or the service's own page in a browser on it. */
function isLocal({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
  const { host = '', origin, 'sec-fetch-site': site } = headers;
  return (
    LOOPBACK_ADDRESSES.has(socket.remoteAddress ?? '') &&
    LOOPBACK_HOSTS.has(host.replace(/:\d+$/, '').toLowerCase()) &&
    !Object.keys(headers).some((name) => FORWARDING.test(name)) &&
    (origin === undefined || origin === `http://${host}`) &&
    (site === undefined || site === 'same-origin' || site === 'none')
  );
}
