/** A thousand bodies that were valid until something happened to them: never a 5xx, never a hang. */
import fc from 'fast-check';
import OpenAI, { toFile } from 'openai';
import { beforeAll, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';
import { validBodies } from './valid-bodies.ts';

const BODIES = 1_000;
const SEED = 20_261_124;
const AT_A_TIME = 4;
const DEADLINE_MS = 30_000;

let service: SharedService;
let valid: Record<string, object>;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  const client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local' });
  const { id: store } = await client.vectorStores.create({ name: 'garden' });
  const { id: attached } = await client.vectorStores.files.uploadAndPoll(
    store,
    await toFile(Buffer.from('# Pears\n\nPrune pears in winter.'), 'pears.md'),
  );
  const { id: file } = await client.files.create({
    file: await toFile(Buffer.from('Plums like loam.'), 'plums.txt'),
    purpose: 'assistants',
  });
  valid = validBodies({ model: service.model, store, attached, file });
});

/** What stands where something else was expected. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, '', [], {}, -1, 0, 1e308, 2 ** 53, 0.1, [[[]]], '\u0000'),
  fc.constantFrom<unknown>('\ud800', "'; DROP TABLE chunks; --", '"* OR NEAR(', '../../etc/passwd'),
  fc.constantFrom<unknown>(
    '__proto__',
    '<|im_start|>system',
    'x'.repeat(100_000),
    Array(5_000).fill(0),
  ),
  fc.jsonValue(),
);

type Change =
  | { kind: 'replace'; at: number; by: unknown }
  | { kind: 'remove'; at: number }
  | { kind: 'add'; at: number; name: string; by: unknown };
const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('replace' as const), at: fc.nat(), by: odd }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('add' as const), at: fc.nat(), name: fc.string(), by: odd }),
);

/** Every (container, key) of a JSON value, outermost first. */
function places(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return [];
  const container = value as Record<string, unknown>;
  return Object.keys(container).flatMap((key) => [[container, key], ...places(container[key])]) as [
    Record<string, unknown>,
    string,
  ][];
}

function change(body: object, { at, ...what }: Change): void {
  const found = places(body);
  const place = found[at % Math.max(1, found.length)];
  if (!place) return;
  const [container, key] = place;
  if (what.kind === 'replace') container[key] = structuredClone(what.by);
  else if (what.kind === 'add') container[what.name] = structuredClone(what.by);
  else if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete container[key];
}

type Damage = { kind: 'flip' | 'cut' | 'double'; at: number; by: number };
const damages: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom('flip' as const, 'cut' as const, 'double' as const),
  at: fc.nat(),
  by: fc.integer({ min: 1, max: 255 }),
});

function damage(bytes: Buffer, { kind, at, by }: Damage): Buffer {
  const position = at % bytes.length;
  if (kind === 'cut') return bytes.subarray(0, position);
  if (kind === 'double') {
    const again = bytes.subarray(position, position + by);
    return Buffer.concat([bytes.subarray(0, position), again, bytes.subarray(position)]);
  }
  const flipped = Buffer.from(bytes);
  flipped[position]! ^= by;
  return flipped;
}

const mutants = fc.record({
  route: fc.nat(),
  changes: fc.array(changes, { minLength: 1, maxLength: 3 }),
  damages: fc.oneof(fc.constant([]), fc.array(damages, { minLength: 1, maxLength: 4 })),
});
type Mutant = typeof mutants extends fc.Arbitrary<infer Value> ? Value : never;

/** @returns the path, status and body where the answer is none that a client's mistake may get. */
async function send(mutant: Mutant): Promise<{ status: number; fault: string | null }> {
  const paths = Object.keys(valid);
  const path = paths[mutant.route % paths.length]!;
  const isUpload = path === '/v1/files';
  let bytes: Buffer;
  if (isUpload) {
    const lines = ['--mark', 'Content-Disposition: form-data; name="purpose"', '', 'assistants'];
    lines.push('--mark', 'Content-Disposition: form-data; name="file"; filename="a.md"', '');
    bytes = Buffer.from([...lines, '# Soil', '--mark--', ''].join('\r\n'));
  } else {
    const body = structuredClone(valid[path]!);
    for (const one of mutant.changes) change(body, one);
    bytes = Buffer.from(JSON.stringify(body));
  }
  // A form has no JSON to change: its bytes are damaged in any case.
  const fallback: Damage[] = isUpload ? [{ kind: 'flip', at: mutant.route, by: 1 }] : [];
  for (const one of mutant.damages.length > 0 ? mutant.damages : fallback)
    if (bytes.length > 0) bytes = damage(bytes, one);
  const sent = `${path} ${bytes.toString('utf8').slice(0, 300)}`;
  try {
    const response = await fetch(service.url + path, {
      method: 'POST',
      headers: {
        'content-type': isUpload ? 'multipart/form-data; boundary=mark' : 'application/json',
      },
      body: new Uint8Array(bytes),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const text = await response.text();
    const fine =
      response.status < 300
        ? !text.includes('"error":{') && (!text.startsWith('data:') || text.includes('[DONE]'))
        : response.status < 500 && typeof JSON.parse(text).error.message === 'string';
    const own = !/Invalid (type|length|value|key|entries)|Expected .+ but received/.test(text);
    return {
      status: response.status,
      fault: fine && own ? null : `${response.status} for ${sent}: ${text.slice(0, 300)}`,
    };
  } catch (error) {
    return { status: 0, fault: `${String(error)} for ${sent}` };
  }
}

test('each is taken or refused with a reason, in the API’s own words', {
  timeout: 300_000,
}, async () => {
  const queue = fc.sample(mutants, { seed: SEED, numRuns: BODIES });
  const faults: string[] = [];
  const statuses = new Map<number, number>();
  async function drain(): Promise<void> {
    for (let mutant = queue.pop(); mutant; mutant = queue.pop()) {
      const { status, fault } = await send(mutant);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (fault) faults.push(fault);
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, drain));
  console.log(`statuses of ${BODIES} mutated bodies:`, Object.fromEntries(statuses));
  expect(faults).toEqual([]);
  // Most were spoilt, but not all: else the mutations would only test the JSON parser.
  expect(statuses.get(400)).toBeGreaterThan(BODIES / 4);
  expect(statuses.get(200)).toBeGreaterThan(BODIES / 50);
});
