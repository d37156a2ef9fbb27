/**
 * What a linear layer takes in each form that matrices are stored in, against
 * float32 in the same run: every product with its scaling, the forms taking turns.
 *
 *   npm run -s bench:linear [-- --json] [-- --inner 896] [-- --out 4864] [-- --threads 2]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { timeProducts } from '../gpu-backend/builder/linear/product-time.ts';
import { machine } from './engine/setup.ts';

const FORMS = ['dense', 'columns8', 'blocks4', 'blocks8'] as const;
const ROWS = [1, 2, 4, 8, 16, 32, 64, 256];
const TURNS = 3;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    inner: { type: 'string', default: '896' },
    out: { type: 'string', default: '4864' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});

const shape = [Number(values.out), Number(values.inner)] as const;
const fastest = new Map(FORMS.map((form) => [form, ROWS.map(() => Number.POSITIVE_INFINITY)]));
for (let turn = 0; turn < TURNS; turn++) {
  for (const form of FORMS) {
    const times = await timeProducts(form, shape, ROWS, Number(values.threads));
    fastest.set(
      form,
      times.map((time, i) => Math.min(time, fastest.get(form)![i]!)),
    );
  }
}

const float32 = fastest.get('dense')!;
const results = [...fastest].map(([form, times]) => ({
  form,
  milliseconds: Object.fromEntries(ROWS.map((rows, i) => [rows, times[i]!])),
  ratios: Object.fromEntries(ROWS.map((rows, i) => [rows, float32[i]! / times[i]!])),
}));
if (values.json) {
  console.log(JSON.stringify({ machine: machine(), shape, results }, null, 1));
} else {
  const rounded = (cells: Record<string, number>, digits: number) =>
    Object.fromEntries(Object.entries(cells).map(([key, n]) => [key, Number(n.toFixed(digits))]));
  console.log(`Milliseconds of ${shape[1]} × ${shape[0]} by rows`);
  console.table(Object.fromEntries(results.map((one) => [one.form, rounded(one.milliseconds, 3)])));
  console.log('Times as fast as float32');
  console.table(Object.fromEntries(results.map((one) => [one.form, rounded(one.ratios, 2)])));
}
