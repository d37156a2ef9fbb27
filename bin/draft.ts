/** `npx espalier draft add` as a process: it needs the model builder, which the other commands here need not load. */
import { DRAFT_HELP } from '../gpu-backend/cli/draft-help.ts';
import { readArguments, runAsProcess } from '../gpu-backend/cli/usage.ts';
import { addDraft, buildDraft } from './add-draft.ts';

await runAsProcess(() => run(process.argv.slice(3)));

async function run(argv: string[]): Promise<number> {
  const { positionals, values } = readArguments(DRAFT_HELP, {
    args: argv,
    allowPositionals: true,
    options: {
      layers: { type: 'string' },
      remote: { type: 'boolean', default: false },
      state: { type: 'string', default: '.espalier/wrangler' },
      help: { type: 'boolean', default: false },
    },
  });
  const source = positionals[1];
  if (values.help || !source) {
    console.log(DRAFT_HELP);
    return values.help ? 0 : 2;
  }
  const draft = await buildDraft(source, readLayers(values.layers));
  addDraft(draft, values.remote ? 'remote' : values.state);
  const { id, bytes, positions, tokenizer } = draft.record;
  console.log(`${id}: ${(bytes / 1e6).toFixed(1)} MB, ${positions} positions`);
  console.log(`tokenizer ${tokenizer}`);
  console.log(
    'Workers find it within a minute of an answer or of /health, which tells under draft_model.',
  );
  return 0;
}

function readLayers(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const layers = Number(text);
  if (Number.isInteger(layers) && layers > 0) return layers;
  throw new Error(`--layers must be a whole number above 0, not "${text}"`);
}
