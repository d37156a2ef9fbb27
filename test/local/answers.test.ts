/** A start's questions to its two halves end, whatever a process does with them. */
import { createServer, type ServerResponse } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { readJson } from '../../local/answers.ts';
import { freePort } from '../../local/process.ts';
import { requireAnswering } from '../../local/service.ts';

const WITHIN_MS = 100;
/** Far above what the limit asks for, far below what a test may take. */
const SOON_MS = 10_000;

/** A process that treats its n-th question as told; its address. */
async function server(treat: (response: ServerResponse, n: number) => void): Promise<string> {
  let asked = 0;
  const one = createServer((_, response) => treat(response, asked++));
  onTestFinished(() => {
    one.close();
    one.closeAllConnections();
  });
  const port = await freePort();
  await new Promise<void>((resolve) => one.listen(port, '127.0.0.1', resolve));
  return `http://127.0.0.1:${port}`;
}

const json = (response: ServerResponse, body: object) => response.end(JSON.stringify(body));
const nothing = () => {};
const healthy = { checks: { database: { ok: true }, verifier: { ok: true } } };

it.each<[what: string, treat: (response: ServerResponse) => void]>([
  ['says nothing', nothing],
  [
    'stops in the middle of its answer',
    (response) => void response.writeHead(200, { 'content-length': 99 }).write('{"model":'),
  ],
  ['breaks off', (response) => void response.write('{"model":', () => response.socket?.destroy())],
  ['answers no JSON', (response) => void response.end('<p>starting</p>')],
  ['fails', (response) => void response.writeHead(503).end('{}')],
])('JSON of a process that %s is null, soon', { timeout: SOON_MS }, async (_, treat) => {
  expect(await readJson(await server(treat), WITHIN_MS)).toBeNull();
});

it('JSON that comes piece by piece is read whole', async () => {
  const url = await server((response) => {
    response.write('{"model":', () => setTimeout(() => response.end('"tiny"}')));
  });
  expect(await readJson(url, SOON_MS)).toEqual({ model: 'tiny' });
});

it('a start whose worker is silent fails and says so', { timeout: SOON_MS }, async () => {
  const url = await server(nothing);
  await expect(requireAnswering(url, WITHIN_MS, WITHIN_MS)).rejects.toThrow(
    `Espalier can't answer: ${url}/health is silent`,
  );
});

it('a start whose worker names what is wrong repeats it', { timeout: SOON_MS }, async () => {
  const checks = { ...healthy.checks, verifier: { ok: false, reason: 'its template is broken' } };
  const url = await server((response) => json(response, { checks }));
  await expect(requireAnswering(url, WITHIN_MS, SOON_MS)).rejects.toThrow('its template is broken');
});

it('a start asks again where an answer is lost', { timeout: SOON_MS }, async () => {
  const url = await server((response, n) => n > 0 && json(response, healthy));
  await expect(requireAnswering(url, SOON_MS, WITHIN_MS)).resolves.toBeUndefined();
});
