/**
 * Makes the worker's form of a draft model beside its checkpoint: `edge.onnx`,
 * and `edge.json` with what the worker has to know of it.
 *
 *   npm run build:draft [-- <folder of the checkpoint>] [-- --layers 2]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildEdgeForm } from '../builder/edge-form.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { layers: { type: 'string' } },
});
const folder = positionals[0] ?? 'models/draft';
const { graph, facts } = buildEdgeForm(
  folder,
  values.layers === undefined ? undefined : Number(values.layers),
);
writeFileSync(join(folder, 'edge.onnx'), graph);
writeFileSync(join(folder, 'edge.json'), `${JSON.stringify(facts, null, 2)}\n`);
console.log(`${join(folder, 'edge.onnx')}: ${facts.layers} layers, ${graph.length} bytes`);
