/**
 * Real processes: whatever becomes of workers and clients, the verifier frees
 * what they held within a second, goes on for the others and stays the size it
 * was.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { seeded } from '../../sim/random.ts';
import { CLIENT_DEADLINE_MS } from '../../src/api/answers/client-stream.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import {
  decodeError,
  encodeCancel,
  encodeOpen,
  encodeRead,
  encodeSpans,
  encodeTree,
  LINK_PATH,
  Opener,
  type OpenSettings,
  offer,
  parseLinkKeys,
  Sealer,
  type TicketClaims,
} from '../../src/link/protocol/index.ts';
import { signTicket } from '../../src/link/ticket.ts';
import { type RealFleet, startFleet, stream, until, type Verifier } from './fleet.ts';

const LONG = {
  messages: [{ role: 'user', content: 'What happens to a request?' }],
  vector_store_ids: [],
  temperature: 2,
  seed: 3,
  max_tokens: 1500,
  speculation: { mode: 'off' },
};

let fleet: RealFleet;
let verifier: Verifier;
let fingerprint: TicketClaims;
beforeAll(async () => {
  fleet = await startFleet();
  verifier = fleet.verifiers[0];
  const response = await fetch(`${verifier.proxy.url}/model`);
  fingerprint = ((await response.json()) as { fingerprint: TicketClaims }).fingerprint;
});
afterAll(() => fleet?.stop());

async function totalActive(): Promise<number> {
  const healths = await Promise.all(fleet.verifiers.map((one) => one.health()));
  return healths.reduce((sum, { active }) => sum + active, 0);
}

/** A link of our own to the first verifier, with a good ticket. */
async function link(): Promise<{ socket: WebSocket; say: (frame: Uint8Array) => void }> {
  const [key] = parseLinkKeys(fleet.keys);
  const { url } = verifier.proxy;
  const socket = new WebSocket(url.replace('http', 'ws') + LINK_PATH, offer(), {
    headers: { authorization: `Bearer ${await signTicket(key!, url, fingerprint)}` },
  });
  socket.on('error', () => {});
  await new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  const sealer = new Sealer();
  return { socket, say: (frame) => socket.send(sealer.seal(frame)) };
}

function openFrame(change: Partial<OpenSettings> = {}): Uint8Array {
  return encodeOpen({
    prompt: Int32Array.from({ length: 40 }, (_, i) => 100 + i),
    settings: {
      fingerprint,
      namespace: 'test',
      sampling: { seed: [1, 2], temperature: 2, topP: 1, topK: 0 },
      maxTokens: 1500,
      stopIds: [],
      drafting: 'echoed',
      budget: 8,
      regions: [],
      resumed: 0,
      ...change,
    },
  });
}

// Within a second on workerd itself (test/chat/lost.slow.test.ts); the proxy of `wrangler dev` does not
// always tell, and then it is the client's silence that does.
test('a client that goes away', async () => {
  const abort = new AbortController();
  await stream(fleet.url, LONG, () => abort.abort(), abort.signal).catch(() => {});
  expect(await until(async () => (await totalActive()) === 0, CLIENT_DEADLINE_MS + 5_000)).toBe(
    true,
  );
});

test('a worker that cuts the connection, says cancel, or just leaves', async () => {
  const leave: ((socket: WebSocket, say: (frame: Uint8Array) => void) => void)[] = [
    (socket) => socket.terminate(),
    (socket) => socket.close(),
    (_, say) => say(encodeCancel()),
  ];
  for (const go of leave) {
    const { socket, say } = await link();
    say(openFrame());
    expect(await until(async () => (await verifier.health()).active === 1, 5_000)).toBe(true);
    go(socket, say);
    expect(await until(async () => (await verifier.health()).active === 0, 1_000)).toBe(true);
    socket.terminate();
  }
});

test('without a ticket there is no link', async () => {
  const socket = new WebSocket(verifier.proxy.url.replace('http', 'ws') + LINK_PATH, offer());
  const status = await new Promise((resolve) => {
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode));
    socket.on('error', () => {});
  });
  expect(status).toBe(401);
});

test('a worker that never reads: the verifier stops sending, and others get their answers', async () => {
  const { socket, say } = await link();
  socket.pause();
  say(openFrame());
  const { text, complete } = await stream(fleet.url, { ...LONG, max_tokens: 40 });
  expect(complete).toBe(true);
  expect(text.length).toBeGreaterThan(0);
  socket.terminate();
  expect(await until(async () => (await totalActive()) === 0, 1_000)).toBe(true);
});

test('credit violated: the turn ends by name, its session is freed', async () => {
  const { socket, say } = await link();
  const opener = new Opener();
  let last = new Uint8Array();
  socket.on('message', (data: Buffer) => {
    last = opener.open(data).slice();
  });
  const closed = new Promise((resolve) => {
    socket.on('close', resolve);
  });
  const tree = new TokenTree(1);
  tree.add(ROOT, 3, 0.5, Source.corpus);
  say(openFrame());
  for (let i = 0; i < 100; i++) say(encodeTree(tree, 40));
  await closed;
  const { code, message } = decodeError(last);
  expect(code).toBe('bad-frame');
  expect(message).toMatch(/more than 8 trees outstanding/);
  expect(await until(async () => (await verifier.health()).active === 0, 1_000)).toBe(true);
});

test('thousands of hostile frames: the process lives, holds nothing, answers', async () => {
  const random = seeded(7);
  const draw = (n: number) => Math.floor(random() * n);
  const tree = new TokenTree(8);
  tree.add(tree.add(ROOT, 3, 0.5, Source.corpus), 4, 0.25, Source.corpus);
  const good = [
    openFrame({ maxTokens: 20 }),
    encodeTree(tree, 40),
    encodeSpans([{ source: Source.tenant, begins: true, tokens: Int32Array.of(1, 2) }]),
    encodeRead(41),
    encodeCancel(),
  ];
  const hostile = () => {
    const frame = good[draw(good.length)]!.slice();
    for (let changes = draw(5); changes > 0; changes--) frame[draw(frame.length)] = draw(256);
    return frame;
  };
  for (let links = 0; links < 100; links++) {
    const { socket, say } = await link();
    if (random() < 0.7) say(openFrame());
    for (let i = 0; i < 30; i++) {
      if (random() < 0.1) socket.send(Uint8Array.from({ length: draw(200) }, () => draw(256)));
      else if (random() < 0.02) socket.send('text');
      else say(hostile());
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    socket.terminate();
  }
  expect(await until(async () => (await verifier.health()).active === 0, 1_000)).toBe(true);
  expect((await verifier.health()).status).toBe('ok');
  expect((await stream(fleet.url, { ...LONG, max_tokens: 40 })).complete).toBe(true);
});

test('memory is flat over turns that end in every way', async () => {
  async function round(count: number): Promise<number> {
    for (let i = 0; i < count; i++) {
      const { socket, say } = await link();
      say(openFrame({ maxTokens: 6 }));
      await new Promise<void>((resolve) => {
        if (i % 3 === 0) {
          socket.once('message', () => {
            socket.terminate();
            resolve();
          });
        } else if (i % 3 === 1) {
          say(Uint8Array.of(0x7f));
          socket.once('close', () => resolve());
        } else {
          socket.once('close', () => resolve());
        }
      });
    }
    expect(await until(async () => (await verifier.health()).active === 0, 1_000)).toBe(true);
    return verifier.residentMiB;
  }
  await round(100);
  const before = await round(20);
  const after = await round(200);
  // A session takes some 400 KiB here: were they kept, it would be 80 MiB.
  expect(after - before).toBeLessThan(40);
}, 180_000);

test('kill -9 of the worker frees its sessions', async () => {
  const answering = stream(fleet.url, LONG).catch(() => {});
  expect(await until(async () => (await totalActive()) === 1, 5_000)).toBe(true);
  process.kill(-fleet.worker.pid, 'SIGKILL');
  expect(await until(async () => (await totalActive()) === 0, 1_000)).toBe(true);
  await answering;
});
