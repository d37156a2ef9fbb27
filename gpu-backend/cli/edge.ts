/**
 * Makes the worker's form of a draft model beside its checkpoint: `edge.onnx`,
 * and `edge.json` with what the worker has to know of it.
 *
 *   npm run build:draft [-- <folder of the checkpoint>] [-- --layers 2]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readDecoderConfig } from '../builder/config.ts';
import { buildEdgeDecoder } from '../builder/edge-decoder.ts';
import { fingerprintModel } from '../builder/fingerprint.ts';
import { readModelFolder } from '../builder/model-folder.ts';

/** What a drafter reads and writes in a turn: its cache is sized by it. */
const MAX_POSITIONS = 2048;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { layers: { type: 'string' } },
});
const folder = positionals[0] ?? 'models/draft';
const config = readDecoderConfig(folder);
const layers = values.layers === undefined ? config.layers : Number(values.layers);
const positions = Math.min(MAX_POSITIONS, config.maxPositions);
const graph = buildEdgeDecoder(folder, layers);
writeFileSync(join(folder, 'edge.onnx'), graph);
const facts = {
  id: readModelFolder(folder).manifest.name,
  layers,
  width: config.kvHeads * config.headDim,
  vocabSize: config.vocabSize,
  positions,
  tokenizer: fingerprintModel(folder).tokenizer,
};
writeFileSync(join(folder, 'edge.json'), `${JSON.stringify(facts, null, 2)}\n`);
console.log(`${join(folder, 'edge.onnx')}: ${layers} layers, ${graph.length} bytes`);
