/**
 * Makes a bundled model folder of a trained checkpoint: float16 weights, the
 * tokenizer and configuration as they are, and a manifest of what is said in
 * `facts.json` and what can be computed.
 *
 *   npx tsx gpu-backend/cli/bundle.ts <trained checkpoint> <facts.json> <model folder>
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintModel } from '../builder/fingerprint.ts';
import { writeSafetensors } from '../builder/safetensors-writer.ts';
import { readAs } from '../builder/tensor-reader.ts';
import { readWeightIndex } from '../builder/weight-index.ts';

const COPIED = ['generation_config.json', 'tokenizer.json', 'tokenizer_config.json'];

const [source, factsFile, target] = process.argv.slice(2);
if (!source || !factsFile || !target) {
  console.error('usage: bundle.ts <trained checkpoint> <facts.json> <model folder>');
  process.exit(2);
}

mkdirSync(target, { recursive: true });
for (const name of COPIED) copyFileSync(join(source, name), join(target, name));
const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8'));
writeJson('config.json', { ...config, dtype: 'float16', torch_dtype: 'float16' });

const tensors = [...readWeightIndex(source).values()];
writeSafetensors(join(target, 'model.safetensors'), tensors, 'F16', (tensor) =>
  readAs(tensor, 'float16'),
);

const { name, ...facts } = JSON.parse(readFileSync(factsFile, 'utf8'));
writeJson('manifest.json', {
  name,
  parameters: tensors.reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  ),
  maxContext: config.max_position_embeddings,
  ...facts,
  fingerprints: fingerprintModel(target),
});

function writeJson(file: string, value: unknown): void {
  writeFileSync(join(target!, file), `${JSON.stringify(value, null, 2)}\n`);
}
