/** Makes a checkpoint folder of a GGUF file: the file itself, and what it says in a checkpoint's words. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseDecoderConfig } from '../config.ts';
import { linkOrCopy } from '../link-or-copy.ts';
import { readRows } from '../tensor-reader.ts';
import { checkTensors } from '../tensor-shapes.ts';
import { decoderConfig } from './decoder-config.ts';
import { namingFile, readGguf } from './gguf-file.ts';
import { generationConfig, tokenizerConfig, tokenizerJson } from './tokenizer.ts';

/** The folder's weights. */
export const GGUF_FILE = 'model.gguf';

export function isGgufName(path: string): boolean {
  return path.toLowerCase().endsWith('.gguf');
}

/**
 * Writes config.json, generation_config.json, tokenizer.json and
 * tokenizer_config.json into `folder`, and links the file as GGUF_FILE. Throws
 * UnsupportedModelError and GgufError.
 */
export function writeGgufCheckpoint(file: string, folder: string): void {
  const path = resolve(file);
  const { metadata, tensors, ropeDivisors } = readGguf(path);
  const divisors = ropeDivisors && [...readRows(ropeDivisors)].flatMap((rows) => [...rows]);
  const config = namingFile(path, () => decoderConfig(metadata, tensors, divisors));
  checkTensors(tensors, parseDecoderConfig(config));
  const files = namingFile(path, () => ({
    'config.json': config,
    'generation_config.json': generationConfig(metadata),
    'tokenizer.json': tokenizerJson(metadata),
    'tokenizer_config.json': tokenizerConfig(metadata),
  }));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), JSON.stringify(content));
  }
  linkOrCopy(path, join(folder, GGUF_FILE));
}
