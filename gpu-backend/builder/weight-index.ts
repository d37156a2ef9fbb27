/** A model folder's weights, whichever format they come in. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GGUF_FILE } from './gguf/checkpoint.ts';
import { readGguf } from './gguf/gguf-file.ts';
import { readSafetensorsIndex, safetensorsFiles } from './safetensors.ts';
import type { StoredTensor } from './stored-tensor.ts';

/** Every tensor in `folder`, by the checkpoint's names. Throws an Error that names the file and what is wrong with it. */
export function readWeightIndex(folder: string): Map<string, StoredTensor> {
  const gguf = resolve(folder, GGUF_FILE);
  return existsSync(gguf) ? readGguf(gguf).tensors : readSafetensorsIndex(folder);
}

/** The folder's weight files, absolute, in the order of their names. */
export function weightFiles(folder: string): string[] {
  const gguf = join(folder, GGUF_FILE);
  return existsSync(gguf) ? [gguf] : safetensorsFiles(folder);
}
