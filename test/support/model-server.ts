/**
 * Serves a checkpoint's tokenizer the way the verifier does, for tests that
 * need the model's facts and no answers: files, stores, search.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';

export interface ModelServer {
  url: string;
  close(): Promise<void>;
}

export const TARGET = resolve(process.env.ESPALIER_MODEL ?? 'models/target');

const PASSAGE_TOKENS = 190;

export async function startModelServer(folder = TARGET): Promise<ModelServer> {
  const [tokenizer, config] = await Promise.all([
    readFile(join(folder, 'tokenizer.json')),
    readFile(join(folder, 'tokenizer_config.json')),
  ]);
  const description = {
    id: 'espalier-test',
    fingerprint: { model: '0'.repeat(64), tokenizer: sha256(tokenizer) },
    maxContext: 2048,
    trainedContext: 768,
    eosIds: [2, 0],
    generation: {},
    prompt: {
      instruction: 'Answer from the passages. Quote them.',
      passages: 3,
      passageTokens: PASSAGE_TOKENS,
      passageHeader: '[{n}] {title} > {heading}',
      refusal: 'The passages do not say.',
    },
  };
  const bodies: Record<string, string | Buffer> = {
    '/model': JSON.stringify(description),
    '/model/tokenizer.json': tokenizer,
    '/model/tokenizer_config.json': config,
  };
  const server = createServer((request, response) => {
    const body = bodies[request.url ?? ''];
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
