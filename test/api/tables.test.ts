/** The tables of docs/api.md say what the schemas say. `npm run docs:api` makes them anew. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { withTables } from '../../local/api-tables.ts';
import { ROOT } from '../../local/root.ts';
import { componentsOf } from '../../src/api/instance/openapi/json-schema.ts';
import type { Operation } from '../../src/api/instance/openapi/operation.ts';

// Only schemas are read here: what runs on the platform runs in the service.
vi.mock('cloudflare:workers', () => ({ DurableObject: class {} }));
vi.mock('../../models/draft/edge.onnx', () => ({ default: new ArrayBuffer(0) }));
// It puts itself in the place of WebAssembly's loader, also for other files of this process.
vi.mock('../../src/onnx/runtime.ts', () => ({
  createSession: null,
  heapBytes: null,
  Tensor: null,
}));

const PAGE = join(ROOT, 'docs/api.md');

test('every table of docs/api.md is what the schemas say', async () => {
  // Its types are the worker's, which these are not.
  const { OPERATIONS } = await vi.importActual<{ OPERATIONS: readonly Operation[] }>(
    '../../src/api/instance/openapi/operations.ts',
  );
  const page = readFileSync(PAGE, 'utf8');
  const made = withTables(page, {
    components: componentsOf(OPERATIONS) as Parameters<typeof withTables>[1]['components'],
    operations: OPERATIONS,
  });
  await expect(made, '`npm run docs:api` makes the tables anew').toMatchFileSnapshot(PAGE);
});
