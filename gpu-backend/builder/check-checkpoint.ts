/** What is wrong with a checkpoint is said with its own path, and before anything is made of it. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readDecoderConfig } from './config.ts';
import { isGgufName } from './gguf/checkpoint.ts';
import { readJsonObject } from './read-json.ts';
import { readSafetensorsIndex } from './safetensors.ts';
import { checkTensors } from './tensor-shapes.ts';
import { readTokenizerConfig } from './tokenizer-config.ts';

/** Throws an Error that names the file, the tensor or the option. */
export function checkCheckpoint(folder: string): void {
  const names = readdirSync(folder);
  const gguf = names.find(isGgufName);
  if (gguf && !names.some((name) => name.endsWith('.safetensors'))) {
    throw new Error(`${folder} holds a GGUF file: name the file itself, ${join(folder, gguf)}`);
  }
  if (!existsSync(join(folder, 'config.json'))) {
    throw new Error(
      `${folder} is not a model folder: it has no config.json. Name the folder of a Hugging Face checkpoint, or a .gguf file`,
    );
  }
  checkTensors(readSafetensorsIndex(folder), readDecoderConfig(folder));
  readTokenizerConfig(folder);
  for (const file of ['tokenizer.json', 'generation_config.json']) {
    if (names.includes(file)) readJsonObject(join(folder, file));
  }
}
