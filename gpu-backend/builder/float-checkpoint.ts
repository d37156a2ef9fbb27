/** A model as a checkpoint that Python reads: float16, whatever its own file holds. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { linkOrCopy } from './link-or-copy.ts';
import { MANIFEST_FILE, type ModelFolder } from './model-folder.ts';
import { writeSafetensors } from './safetensors-writer.ts';
import { readAs } from './tensor-reader.ts';
import { readWeightIndex } from './weight-index.ts';

const WEIGHTS = 'model.safetensors';
const FILES = [
  MANIFEST_FILE,
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
];

/** Writes `model` into `folder`, in place of what is there. */
export function writeFloatCheckpoint(model: ModelFolder, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of FILES) {
    const path = join(model.path, file);
    if (existsSync(path)) linkOrCopy(path, join(folder, file));
  }
  const tensors = [...readWeightIndex(model.path).values()];
  writeSafetensors(join(folder, WEIGHTS), tensors, 'F16', (tensor) => readAs(tensor, 'float16'));
}
