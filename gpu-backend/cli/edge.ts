/**
 * Makes the worker's form of a draft model beside its checkpoint: `edge.onnx`,
 * and `edge.json` with what the worker has to know of it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildEdgeForm } from '../builder/edge-form.ts';
import { readArguments, runAsProcess } from './usage.ts';

const HELP = `Usage:
  npm run build:draft [-- FOLDER] [-- --layers N]
      Makes edge.onnx and edge.json of the checkpoint in FOLDER, or in models/draft.`;

await runAsProcess(async () => {
  const { values, positionals } = readArguments(HELP, {
    allowPositionals: true,
    options: { layers: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const folder = positionals[0] ?? 'models/draft';
  const { graph, facts } = buildEdgeForm(
    folder,
    values.layers === undefined ? undefined : Number(values.layers),
  );
  writeFileSync(join(folder, 'edge.onnx'), graph);
  writeFileSync(join(folder, 'edge.json'), `${JSON.stringify(facts, null, 2)}\n`);
  console.log(`${join(folder, 'edge.onnx')}: ${facts.layers} layers, ${graph.length} bytes`);
  return 0;
});
