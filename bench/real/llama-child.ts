/** node-llama-cpp in its own process: a prompt of token ids comes in, a timed run goes out. */
import { pathToFileURL } from 'node:url';
import type { LlamaReply, LlamaRequest } from './llama-process.ts';

/** What is used of node-llama-cpp, which is no dependency. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<LlamaModel> }>;
}
interface LlamaModel {
  isEogToken(token: number): boolean;
  createContext(options: object): Promise<{ getSequence(): LlamaSequence }>;
}
interface LlamaSequence {
  clearHistory(): Promise<void>;
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
}

const BATCH = 512;

const [library, modelPath, threads, contextSize] = process.argv.slice(2);
const { getLlama }: NodeLlamaCpp = await import(pathToFileURL(library!).href);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({
  contextSize: Number(contextSize),
  threads: Number(threads),
  batchSize: BATCH,
});
const sequence = context.getSequence();

async function run({ prompt, maxTokens, ignoreEnd }: LlamaRequest): Promise<LlamaReply> {
  await sequence.clearHistory();
  const started = performance.now();
  let first = Number.NaN;
  let last = started;
  let tokens = -1;
  for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    last = performance.now();
    if (++tokens === 0) first = last;
    if (tokens + 1 === maxTokens || (!ignoreEnd && model.isEogToken(token))) break;
  }
  const firstMs = first - started;
  return { run: { promptTokens: prompt.length, firstMs, tokens, tokensMs: last - first } };
}

process.on('message', (request: LlamaRequest) => {
  run(request)
    .catch((error: unknown): LlamaReply => ({ error: String(error) }))
    .then((reply) => process.send!(reply));
});
process.on('disconnect', () => process.exit());
process.send!({ ready: true } satisfies LlamaReply);
