/** Who gets a link: the door's checks, over real sockets, each refusal with its reason. */
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Door } from '../../gpu-backend/link/door.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { Tickets } from '../../gpu-backend/link/tickets.ts';
import { RETRY_AFTER_MS } from '../../gpu-backend/turn/refusal.ts';
import {
  agree,
  type LinkKey,
  MAX_LINK_KEYS,
  offer,
  parseLinkKeys,
  TICKET_LIFETIME_S,
} from '../../src/link/protocol/index.ts';
import { signTicket } from '../../src/link/ticket.ts';

const FINGERPRINT = { model: 'a'.repeat(64), tokenizer: 'b'.repeat(64) };
const key = (id: string, fill: number): LinkKey => ({ id, secret: new Uint8Array(32).fill(fill) });
const OLD = key('2026-10', 1);
const NEW = key('2026-11', 2);

let server: Server;
let origin: string;
let draining: boolean;
beforeEach(async () => {
  draining = false;
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const door = new Door({
    tickets: new Tickets([NEW, OLD], [origin], FINGERPRINT, nodeClock),
    draining: () => draining,
    serve: (socket) => socket.close(1000),
  });
  server.on('upgrade', (message, socket, head) => {
    void door.upgrade(message, socket as Socket, head);
  });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

interface Knock {
  ticket?: string | undefined;
  protocols?: string;
  path?: string;
  /** As browsers send it with every WebSocket. */
  page?: string;
}

/** What the door says: the subprotocol of an open link, or status and error. */
async function knock({ ticket, protocols = offer(), path = '/v1/link', page }: Knock) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(origin + path, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...(protocols ? { 'sec-websocket-protocol': protocols } : {}),
        ...(page ? { origin: page } : {}),
        ...(ticket ? { authorization: `Bearer ${ticket}` } : {}),
      },
    });
    sent.on('response', resolve).on('error', reject);
    sent.on('upgrade', (upgraded, socket) => {
      socket.destroy();
      resolve(upgraded);
    });
    sent.end();
  });
  if (response.statusCode === 101) return { protocol: response.headers['sec-websocket-protocol'] };
  let body = '';
  for await (const chunk of response) body += chunk;
  const { error } = JSON.parse(body) as { error: { code: string; message: string } };
  return { status: response.statusCode, code: error.code, message: error.message };
}

test.each(['https://evil.example', 'http://localhost:3000', 'null'])(
  'a web page gets no link, with link keys or without: %s',
  async (page) => {
    const ticket = await signTicket(NEW, origin, FINGERPRINT);
    expect(await knock({ ticket, page })).toMatchObject({ status: 401, code: 'unauthorized' });
    const door = new Door({
      tickets: new Tickets([], [], FINGERPRINT, nodeClock),
      draining: () => false,
      serve: (socket) => socket.close(1000),
    });
    server.removeAllListeners('upgrade');
    server.on('upgrade', (message, socket, head) => {
      void door.upgrade(message, socket as Socket, head);
    });
    expect(await knock({ page })).toMatchObject({ status: 401 });
    expect(await knock({})).toHaveProperty('protocol');
  },
);

function forge(change: (jwt: SignJWT) => SignJWT, secret = NEW.secret, kid = NEW.id) {
  const jwt = new SignJWT({ ...FINGERPRINT })
    .setProtectedHeader({ alg: 'HS256', kid })
    .setIssuer('espalier-worker')
    .setAudience(origin)
    .setIssuedAt()
    .setExpirationTime('60 s')
    .setJti('forged');
  return change(jwt).sign(secret);
}

describe('tickets', () => {
  test('of either key open the link: keys can be changed without a gap', async () => {
    for (const one of [NEW, OLD]) {
      const ticket = await signTicket(one, `${origin}/`, FINGERPRINT);
      expect(await knock({ ticket })).toEqual({ protocol: 'espalier.1' });
    }
  });

  test('open it once', async () => {
    const ticket = await signTicket(NEW, origin, FINGERPRINT);
    await knock({ ticket });
    expect(await knock({ ticket })).toMatchObject({
      status: 401,
      message: expect.stringContaining('used before'),
    });
  });

  test('are refused with the reason', async () => {
    const seconds = Math.floor(Date.now() / 1000);
    const cases: [Promise<string> | undefined, string, RegExp][] = [
      [undefined, 'unauthorized', /no ticket/],
      [Promise.resolve('nonsense'), 'unauthorized', /not valid/],
      [
        signTicket(key('2025-01', 3), origin, FINGERPRINT),
        'unauthorized',
        /"2025-01" is not known/,
      ],
      [
        signTicket({ ...NEW, secret: OLD.secret }, origin, FINGERPRINT),
        'unauthorized',
        /signature/,
      ],
      [signTicket(NEW, 'https://gpu2.example.com', FINGERPRINT), 'unauthorized', /LINK_AUDIENCE/],
      [
        signTicket(NEW, origin, { ...FINGERPRINT, model: 'c'.repeat(64) }),
        'fingerprint',
        /another model/,
      ],
      [
        signTicket(NEW, origin, { ...FINGERPRINT, tokenizer: 'c'.repeat(64) }),
        'fingerprint',
        /another tokenizer/,
      ],
      [forge((jwt) => jwt.setExpirationTime(seconds - 60)), 'unauthorized', /expired/],
      [
        forge((jwt) => jwt.setIssuedAt(seconds - TICKET_LIFETIME_S - 60).setExpirationTime('1 d')),
        'unauthorized',
        /expired/,
      ],
      [forge((jwt) => jwt.setIssuer('somebody')), 'unauthorized', /"iss"/],
      [forge((jwt) => jwt.setJti('')), 'unauthorized', /nonce|jti/],
      [forge((jwt) => jwt.setJti('n'.repeat(65))), 'unauthorized', /no nonce/],
    ];
    for (const [ticket, code, message] of cases) {
      const answer = await knock({ ticket: await ticket });
      expect(answer).toMatchObject({ code, message: expect.stringMatching(message) });
    }
  });

  test('without a signature, or with another algorithm, are refused', async () => {
    const [header, payload] = (await signTicket(NEW, origin, FINGERPRINT)).split('.');
    const none = Buffer.from('{"alg":"none","kid":"2026-11"}').toString('base64url');
    for (const ticket of [`${none}.${payload}.`, `${header}.${payload}.`, `${header}.${payload}`]) {
      expect(await knock({ ticket })).toMatchObject({ status: 401 });
    }
  });

  test('remembered nonces are bounded: beyond it links are refused, not forgotten', async () => {
    let now = 0;
    const clock = { ...nodeClock, now: () => now };
    const tickets = new Tickets([NEW], [origin], FINGERPRINT, clock, 3);
    const knockAgain = async () =>
      tickets.admit(`Bearer ${await signTicket(NEW, origin, FINGERPRINT)}`);
    for (let i = 0; i < 3; i++) await knockAgain();
    await expect(knockAgain()).rejects.toMatchObject({
      code: 'overloaded',
      retryAfterMs: RETRY_AFTER_MS,
    });
    now = 2 * 60_000;
    await knockAgain();
  });
});

describe('the door', () => {
  const open = () => signTicket(NEW, origin, FINGERPRINT);

  test('takes the newest version that both know, and refuses without one', async () => {
    expect(agree('espalier.1, espalier.3, espalier.2', [3, 2, 1])).toBe('espalier.3');
    expect(agree('espalier.1,espalier.2', [4, 1])).toBe('espalier.1');
    expect(agree(undefined)).toBeNull();
    expect(await knock({ ticket: await open(), protocols: 'espalier.9, espalier.1' })).toEqual({
      protocol: 'espalier.1',
    });
    for (const protocols of ['', 'espalier.9', 'graphql-ws']) {
      expect(await knock({ ticket: await open(), protocols })).toMatchObject({
        status: 426,
        code: 'version',
        message: expect.stringContaining('espalier.1'),
      });
    }
  });

  test('sends new turns away while the verifier drains', async () => {
    draining = true;
    expect(await knock({ ticket: await open() })).toMatchObject({ status: 503, code: 'draining' });
  });

  test('is nowhere else', async () => {
    expect(await knock({ ticket: await open(), path: '/v2/link' })).toMatchObject({ status: 400 });
  });
});

describe('LINK_KEYS', () => {
  const secret = Buffer.alloc(32, 7).toString('base64url');

  test('are read in order, in either alphabet of base64', () => {
    const bytes = Buffer.alloc(32, 0xfb);
    const text = `a:${bytes.toString('base64url')}, b:${bytes.toString('base64')}`;
    expect(parseLinkKeys(text)).toEqual(
      ['a', 'b'].map((id) => ({ id, secret: new Uint8Array(bytes) })),
    );
    expect(parseLinkKeys(undefined)).toEqual([]);
    expect(parseLinkKeys('')).toEqual([]);
  });

  test.each([
    ['a', /id:secret/],
    [`a:${secret}:more`, /id:secret/],
    ['a:!!', /not base64url/],
    [`a:${'A'.repeat(40)}`, /30 bytes; at least 32/],
    [`a:${secret},a:${secret}`, /same id/],
    [Array.from({ length: MAX_LINK_KEYS + 1 }, (_, i) => `k${i}:${secret}`).join(), /at most 3/],
  ])('that are wrong say so: %s', (text, message) => {
    expect(() => parseLinkKeys(text)).toThrow(message);
  });
});
