/** One suite for all routes that answer, whole and streamed, against the real service. */
import OpenAI, { toFile } from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';
import { type Asking, CASES, PEAR, QUINCE, REFUSALS } from './cases.ts';
import { type Feature, type Question, ROUTES, type Route } from './routes.ts';

let service: SharedService;
let orchard: Asking['orchard'];
beforeAll(async () => {
  service = await sharedService({ demo: false });
  orchard = { store: await storeOf(PEAR), file: await upload(QUINCE, 'quince.md') };
});

const QUESTION: Question = { text: 'What is a draft tree?', maxTokens: 8 };

function post(route: Route, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(service.url + route.path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function askWhole(route: Route, question: Question) {
  const response = await post(route, route.body(question));
  const body = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  return route.whole(body);
}

async function askStreamed(route: Route, question: Question) {
  const response = await post(route, { ...route.body(question), ...route.streaming });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const events = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => JSON.parse(data!));
  return route.streamed(events);
}

const FORMS = { whole: askWhole, streamed: askStreamed };

/** Skips, with the reason, what a route has not. */
function skipIfLacking({ lacks }: Route, needs: readonly Feature[], skip: (why: string) => void) {
  const reason = needs.map((feature) => lacks[feature]).find((why) => why !== undefined);
  if (reason) skip(reason);
}

async function upload(text: string, name: string): Promise<string> {
  const { id } = await client().files.create({
    file: await toFile(Buffer.from(text), name),
    purpose: 'user_data',
  });
  return id;
}

async function storeOf(text: string): Promise<string> {
  const { id } = await client().vectorStores.create({ name: 'orchard' });
  await client().vectorStores.files.uploadAndPoll(id, await toFile(Buffer.from(text), 'pear.md'));
  return id;
}

function client(): OpenAI {
  return new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
}

describe.each(ROUTES)('$path', (route) => {
  describe.each(['whole', 'streamed'] as const)('%s', (form) => {
    test.for(CASES)('$name', async ({ needs, run }, { skip }) => {
      skipIfLacking(route, needs, skip);
      await run({
        orchard,
        ask: (question) => FORMS[form](route, question),
        askChat: (question) => askWhole(ROUTES[0]!, question),
      });
    });

    test('is replayed whole to the same idempotency-key', async () => {
      const body = {
        ...route.body({ ...QUESTION, shared: { temperature: 1.5 } }),
        ...(form === 'streamed' && route.streaming),
      };
      const ask = () => post(route, body, { 'idempotency-key': `${route.path} ${form}` });
      const first = await (await ask()).text();
      // What was sent is kept a moment later.
      let replayed = await ask();
      await expect
        .poll(async () => {
          if (replayed.status === 409) replayed = await ask();
          return replayed.headers.get('idempotent-replayed');
        })
        .toBe('true');
      expect(await replayed.text()).toBe(first);
    });
  });

  test.for(REFUSALS)('refuses $name', async (refusal, { skip }) => {
    skipIfLacking(route, refusal.needs, skip);
    const { question, fields, param, message, status = 400, code = null } = refusal;
    const response = await post(route, { ...route.body({ ...QUESTION, ...question }), ...fields });
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect({ status: response.status, ...error }).toEqual({
      status,
      type: 'invalid_request_error',
      param: param(route),
      code,
      message: expect.stringMatching(message),
    });
    expect(error.message).toContain(`${error.param}: `);
  });

  test('refuses a body that is not JSON, or too large, and goes on', async () => {
    const send = (body: string) => fetch(service.url + route.path, { method: 'POST', body });
    expect((await send('{"messages": [')).status).toBe(400);
    const huge = await send(JSON.stringify({ input: 'x'.repeat(10_000_000) }));
    expect(huge.status).toBe(413);
    expect(await huge.json()).toMatchObject({
      error: { message: expect.stringMatching(/\d{6,} bytes/) },
    });
    expect((await post(route, route.body(QUESTION))).status).toBe(200);
  });
});
