/** A reader that pauses too long loses the rest of the answer, and is told so. */
import { Hono } from 'hono';
import { expect, test, vi } from 'vitest';
import { CLIENT_DEADLINE_MS } from '../../src/api/answers/client-stream.ts';
import { eventStream } from '../../src/api/answers/event-stream.ts';
import type { AppEnv } from '../../src/api/context.ts';
import { cancelled } from '../../src/api/errors.ts';
import { Link } from '../../src/link/client.ts';
import type { Clock } from '../../src/link/protocol/index.ts';
import { settings } from '../link/simulated.ts';
import { holdTime } from '../support/reader-time.ts';

holdTime();

/** The verifier's silence is no matter here. */
const still: Clock = { now: () => 0, after: () => () => {}, breath: async () => {} };
const CHUNKS = 8;

/** Some chunks, then nothing more from the verifier until the link is closed. */
async function open() {
  const link = new Link({ send() {}, unsent: 0, close() {}, attach() {} }, still, {
    prompt: Int32Array.of(1),
    settings: settings(30, 'off'),
  });
  const leave = vi.fn(() => link.close());
  const end = vi.fn();
  const app = new Hono<AppEnv>();
  app.get('/', (c) =>
    eventStream(c, {
      async write(send) {
        for (let chunk = 0; chunk < CHUNKS; chunk++) await send({ chunk });
        for await (const _ of link.events());
      },
      leave,
      end,
      failure: (error) => cancelled(String(error)),
    }),
  );
  return { response: await app.request('/'), leave, end };
}

test('what was said comes, then an error, and never [DONE]', async () => {
  const { response, end } = await open();
  await vi.advanceTimersByTimeAsync(CLIENT_DEADLINE_MS);
  const events = (await response.text()).trimEnd().split('\n\n');
  expect(events.slice(0, -1)).toEqual(
    Array.from({ length: CHUNKS }, (_, chunk) => `data: {"chunk":${chunk}}`),
  );
  expect(JSON.parse(events.at(-1)!.slice('data: '.length)).error.code).toBe('cancelled');
  expect(end).toHaveBeenCalledOnce();
});

test('a reader that takes each chunk in time may take as long as it likes', async () => {
  const { response, leave, end } = await open();
  const reader = response.body!.getReader();
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    await vi.advanceTimersByTimeAsync(CLIENT_DEADLINE_MS - 1);
    expect((await reader.read()).done).toBe(false);
  }
  await vi.advanceTimersByTimeAsync(CLIENT_DEADLINE_MS);
  expect(leave).not.toHaveBeenCalled();
  await reader.cancel();
  expect(leave).toHaveBeenCalledOnce();
  await vi.waitFor(() => expect(end).toHaveBeenCalledOnce());
});
