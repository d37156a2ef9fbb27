/** The recording of a real model. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readNeighbours } from '../../gpu-backend/accept/lossy/neighbour-table.ts';
import { addModel } from '../../gpu-backend/builder/add-model.ts';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { writeNeighbours } from '../../gpu-backend/builder/neighbours.ts';
import { DEFAULT_CACHE_FOLDER, openEngine } from '../../gpu-backend/engine/open.ts';
import { composePrompt } from '../../src/generate/prompt.ts';
import { PromptLayout, type PromptModel } from '../../src/generate/prompt-layout.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { UNGROUNDED } from '../drafters/prompts.ts';
import { record } from './record.ts';
import type { Recording } from './recording.ts';

const CONTEXT = 1024;
/** Of every kind in the list some. */
const EVERY = 4;
const TOKENS = 20;

export async function recordFrom(file: string): Promise<Recording> {
  const { path, manifest } = await addModel(file, {
    cacheFolder: DEFAULT_CACHE_FOLDER,
    compute: 'float32',
    quantization: 'int8',
  });
  const read = (name: string) => JSON.parse(readFileSync(join(path, name), 'utf8'));
  const { eos_token_id: eos } = read('config.json');
  const model = {
    ...createTokenizer(read('tokenizer.json'), read('tokenizer_config.json')),
    prompt: read('manifest.json').prompt as PromptModel['prompt'],
  };
  const questions = UNGROUNDED.filter((_, i) => i % EVERY === 0);
  const prompts = await Promise.all(
    questions.map(async (content) => {
      const layout = await PromptLayout.of(
        model,
        { messages: [{ role: 'user', content }] },
        CONTEXT,
      );
      const room = { comfortable: CONTEXT, most: CONTEXT };
      return (await composePrompt(layout, [], [], room)).tokens;
    }),
  );
  const { vocabSize } = readModelFolder(path).config;
  if (!readNeighbours(path, vocabSize))
    await writeNeighbours(path, { threads: availableParallelism() });
  const neighbours = readNeighbours(path, vocabSize)!;
  const engine = await openEngine(path, { slots: 2, maxContext: CONTEXT, quantization: 'int8' });
  try {
    const stopIds = new Set<number>([eos].flat());
    return await record(engine, {
      target: manifest.name,
      prompts,
      tokens: TOKENS,
      stopIds,
      neighbours,
    });
  } finally {
    engine.close();
  }
}
