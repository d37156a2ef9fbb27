/** `npx espalier draft train`: trains what drafts beside a model, by the Python recipe in models/recipe. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeModel } from '../builder/add-model.ts';
import { writeFloatCheckpoint } from '../builder/float-checkpoint.ts';
import { DEFAULT_CACHE_FOLDER } from '../engine/open.ts';
import { DRAFT_HELP } from './draft-help.ts';
import { readArguments } from './usage.ts';

const RECIPE = fileURLToPath(new URL('../../models/recipe', import.meta.url));
const SCRIPTS = {
  feature: 'feature.py',
  hydra: 'hydra.py',
  kangaroo: 'early_exit.py',
  ppd: 'prompt_tokens.py',
  swift: 'skip_layers.py',
  model: 'small_model.py',
} as const;
type Kind = keyof typeof SCRIPTS;
/** "feature, hydra, kangaroo, ppd, swift or model" */
const KINDS = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(Object.keys(SCRIPTS));
const PACKAGES = ['torch', 'safetensors', 'tokenizers', 'jinja2'];

/** Runs the command; resolves with the exit code. */
export async function runDraftCommand(argv: readonly string[]): Promise<number> {
  const { positionals, values } = readArguments(DRAFT_HELP, {
    args: [...argv],
    allowPositionals: true,
    options: {
      kind: { type: 'string', default: 'feature' },
      out: { type: 'string' },
      text: { type: 'string' },
      python: { type: 'string', default: 'python3' },
      cache: { type: 'string', default: DEFAULT_CACHE_FOLDER },
      help: { type: 'boolean', default: false },
    },
  });
  const [verb, source, ...options] = positionals;
  if (values.help || verb !== 'train' || !source) {
    console.log(DRAFT_HELP);
    return values.help ? 0 : 2;
  }
  const { kind, python, text } = values;
  if (!isKind(kind)) {
    throw new Error(`--kind must be ${KINDS}, not "${kind}"`);
  }
  requirePackages(python);
  const add = { cacheFolder: values.cache, compute: 'float32', quantization: 'auto' } as const;
  const model = await takeModel(source, add);
  const { name } = model.manifest;
  const out = values.out ?? (kind === 'model' ? `draft-${name}` : `${kind}-${name}.safetensors`);
  const folder = join(values.cache, 'training', name);
  writeFloatCheckpoint(model, folder);
  const given = text === undefined ? [] : ['--text', text];
  const args = [join(RECIPE, SCRIPTS[kind]), '--model', folder, '--out', out, ...given, ...options];
  const code = await run(python, args);
  if (code !== 0) return code;
  // The verifier looks in its own cache: it would fetch a source anew that is in another one.
  const served = values.cache === DEFAULT_CACHE_FOLDER ? source : model.path;
  console.log(
    `use it with ESPALIER_MODEL=${quoted(served)} ESPALIER_DRAFT=${quoted(out)} npm start`,
  );
  if (kind === 'model') console.log(`or in workers: npx espalier draft add ${out}`);
  return 0;
}

/** As a shell reads it. */
function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(SCRIPTS, kind);
}

/** Throws an Error that says how to get what is missing. */
function requirePackages(python: string): void {
  const { error, status } = spawnSync(python, ['-c', `import ${PACKAGES.join(', ')}`]);
  if (!error && status === 0) return;
  throw new Error(
    `training needs Python with ${PACKAGES.join(', ')}; ${python} ${error ? 'was not found' : 'lacks some of them'}. ` +
      'Get them by: python3 -m venv .venv && .venv/bin/pip install ' +
      `${PACKAGES.join(' ')}, and add --python .venv/bin/python`,
  );
}

function run(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
