/** Commands for those who run an instance. */
import { readArguments, Usage } from '../gpu-backend/cli/usage.ts';
import { SCOPES } from '../src/store/schema.ts';
import { BucketFailure } from './bucket.ts';
import { D1Failure, type Database, openDatabase } from './d1.ts';
import { addEmbedder, EmbedderFailure, settingOf } from './embedders.ts';
import { createKey, listKeys, revokeKey } from './keys.ts';
import { InstanceFailure } from './retrieval/client.ts';
import { runStoreCommand, STORE_HELP } from './store/command.ts';
import { QuestionsFailure } from './store/questions.ts';

const HELP = `Usage:
  npx espalier key create --tenant NAME [--name TEXT] [--scopes chat,ingest]
                          [--requests-per-minute N] [--concurrency N]
  npx espalier key list
  npx espalier key revoke ID
  npx espalier embedder add FOLDER
${STORE_HELP}
  npx espalier model add SOURCE
  npx espalier model check SOURCE
  npx espalier model report FOLDER
  npx espalier model neighbours FOLDER
                          (sources and options: npx espalier model --help)
  npx espalier draft add SOURCE
  npx espalier draft train MODEL
                          (options: npx espalier draft --help)

Scopes: ${SCOPES.join(', ')}; admin may do all but read metrics. A tenant that is not there is made.
Database and bucket are the local ones of \`npm start\`; --remote takes the deployed
ones, --state DIR other local ones.`;

const TOLD = [Usage, D1Failure, BucketFailure, EmbedderFailure, InstanceFailure, QuestionsFailure];

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (!TOLD.some((failure) => error instanceof failure)) throw error;
  console.error((error as Error).message);
  process.exit(1);
}

async function run(argv: string[]): Promise<void> {
  if (argv[0] === 'store') return await runStoreCommand(argv.slice(1));
  const { positionals, values } = read(argv);
  const [noun, verb, id] = positionals;
  if (values.help || noun === undefined) {
    console.log(HELP);
    return;
  }
  const where = values.remote ? 'remote' : values.state;
  if (noun === 'embedder' && verb === 'add') {
    if (!id) throw new Usage('name the folder: npx espalier embedder add FOLDER');
    addEmbedder(id, where);
    console.log(`Added. Set EMBEDDER to ${settingOf(id)}.`);
    return;
  }
  if (noun !== 'key') throw new Usage(`no command "${positionals.join(' ')}"\n\n${HELP}`);
  const db = openDatabase(where);
  if (verb === 'create') create(db, values);
  else if (verb === 'list') console.table(listKeys(db));
  else if (verb === 'revoke') revoke(db, id);
  else throw new Usage(`no command "${positionals.join(' ')}"\n\n${HELP}`);
}

function read(argv: string[]) {
  return readArguments(HELP, {
    args: argv,
    allowPositionals: true,
    options: {
      tenant: { type: 'string' },
      name: { type: 'string', default: '' },
      scopes: { type: 'string', default: 'chat,ingest' },
      'requests-per-minute': { type: 'string', default: '600' },
      concurrency: { type: 'string', default: '32' },
      remote: { type: 'boolean', default: false },
      state: { type: 'string', default: '.espalier/wrangler' },
      help: { type: 'boolean', default: false },
    },
  });
}

type Values = ReturnType<typeof read>['values'];

function create(db: Database, values: Values): void {
  if (!values.tenant) throw new Usage('--tenant is missing: whose documents the key opens');
  const named = values.scopes.split(',').map((scope) => scope.trim());
  const scopes = SCOPES.filter((scope) => named.includes(scope));
  const unknown = named.find((scope) => !SCOPES.some((known) => known === scope));
  if (unknown !== undefined) {
    throw new Usage(`no scope "${unknown}": there are ${SCOPES.join(', ')}`);
  }
  const key = createKey(db, {
    tenant: values.tenant,
    name: values.name,
    scopes,
    requestsPerMinute: positive('requests-per-minute', values),
    concurrency: positive('concurrency', values),
  });
  console.log(key);
  console.error(`Key of ${values.tenant} for ${scopes.join(', ')}. It is not shown again.`);
}

function positive(name: 'requests-per-minute' | 'concurrency', values: Values): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Usage(`--${name} must be a whole number above 0, not "${values[name]}"`);
}

function revoke(db: Database, id: string | undefined): void {
  if (!id || !/^\d+$/.test(id)) throw new Usage('name the key by its id: see `key list`');
  if (!revokeKey(db, Number(id))) throw new Usage(`no key ${id} that isn't revoked already`);
  console.error(`Key ${id} is revoked.`);
}
