/** The table of neighbours of a real checkpoint: the bundled one's. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { NEAR, readNeighbours } from '../../gpu-backend/accept/lossy/neighbour-table.ts';
import { EMBEDDING } from '../../gpu-backend/builder/convert.ts';
import { writeNeighbours } from '../../gpu-backend/builder/neighbours.ts';
import { readRows } from '../../gpu-backend/builder/tensor-reader.ts';
import { readWeightIndex } from '../../gpu-backend/builder/weight-index.ts';
import { ROOT } from '../../local/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'espalier-neighbours-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('neighbours are the tokens of the nearest embeddings', async () => {
  cpSync(join(ROOT, 'models/target'), folder, { recursive: true });
  await writeNeighbours(folder, { threads: 1 });
  const tensor = readWeightIndex(folder).get(EMBEDDING)!;
  const [vocabSize, width] = tensor.shape as [number, number];
  const rows = Float32Array.from([...readRows(tensor)].flatMap((piece) => [...piece]));
  const row = (id: number) => rows.subarray(id * width, (id + 1) * width);
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const cosine = (a: number, b: number) =>
    dot(row(a), row(b)) / Math.sqrt(dot(row(a), row(a)) * dot(row(b), row(b)));
  const table = readNeighbours(folder, vocabSize)!;
  for (const id of [0, 300, 1_234, vocabSize - 1]) {
    const cosines = Array.from({ length: vocabSize }, (_, other) => cosine(id, other));
    cosines[id] = Number.NEGATIVE_INFINITY;
    const near = [...table.of(id)].map((other) => cosines[other]!);
    const best = [...cosines].sort((a, b) => b - a).slice(0, NEAR);
    expect(new Set(table.of(id)).size).toBe(NEAR);
    for (let i = 0; i < NEAR; i++) expect(near[i]).toBeCloseTo(best[i]!, 4);
  }
});
