/** A model opened without a service: its engine, and chats as its prompts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AddOptions, addModel } from '../gpu-backend/builder/add-model.ts';
import {
  DEFAULT_CACHE_FOLDER,
  type EngineOptions,
  openEngine,
} from '../gpu-backend/engine/open.ts';
import { describeModel } from '../gpu-backend/link/describe.ts';
import { composePrompt } from '../src/generate/prompt.ts';
import { PromptLayout } from '../src/generate/prompt-layout.ts';
import { createTokenizer } from '../src/model/tokenizer.ts';

/** Tokens of prompt and answer that the engine has room for. */
const CONTEXT = 1024;

export type OpenedModel = Awaited<ReturnType<typeof openModel>>;

/** @param source a folder, a .gguf file, or what the hub has */
export async function openModel(
  source: string,
  options: EngineOptions = {},
  quantization?: AddOptions['quantization'],
) {
  const target = await addModel(source, {
    cacheFolder: DEFAULT_CACHE_FOLDER,
    compute: 'float32',
    quantization,
  });
  const { path, manifest, config } = target;
  const read = (name: string) => JSON.parse(readFileSync(join(path, name), 'utf8'));
  const tokenizer = createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
  const { prompt } = describeModel(target, { maxContext: CONTEXT, exact: false });
  const chat = { ...tokenizer, prompt };
  const stored = { quantization: manifest.quantization ?? 'none', maxContext: CONTEXT };
  return {
    target,
    /** What prompts are made with. */
    chat,
    path,
    name: manifest.name,
    config,
    engine: await openEngine(path, { ...stored, ...options }),
    stopIds: new Set(target.eosIds),
    decode: (tokens: readonly number[]) => tokenizer.tokenizer.decode([...tokens]),
    async promptOf(content: string): Promise<Int32Array> {
      const layout = await PromptLayout.of(
        chat,
        { messages: [{ role: 'user', content }] },
        CONTEXT,
      );
      const room = { comfortable: CONTEXT, most: CONTEXT };
      return (await composePrompt(layout, [], [], room)).tokens;
    },
  };
}
