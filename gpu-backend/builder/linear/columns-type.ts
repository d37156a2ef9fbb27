/**
 * What this machine multiplies uint8 rows by without error. Without VNNI instructions
 * x86 adds two products of an unsigned and a signed byte in 16 bits, where they
 * saturate (Intel's `vpmaddubsw`); two unsigned bytes it widens before.
 */
import { type ColumnsType, storeColumns8 } from './columns8.ts';
import { tryProduct } from './product-trial.ts';

/** Of the matrix that is tried. */
const [OUT, INNER] = [64, 128];
/** One row and several have kernels of their own. */
const ROWS = [1, 8];

let found: Promise<ColumnsType> | undefined;

/** Found out once a process, in milliseconds. */
export function columnsType(): Promise<ColumnsType> {
  found ??= saturates('int8').then((does) => (does ? 'uint8' : 'int8'));
  return found;
}

/** Whether products of the largest levels with columns of `type` are less than they should be. */
export async function saturates(type: ColumnsType): Promise<boolean> {
  const ones = new Float32Array(OUT * INNER).fill(1);
  return await tryProduct(
    (file) => storeColumns8(file, [OUT, INNER], [ones], type),
    1,
    async (trial) => {
      for (const count of ROWS) {
        const least = await trial.withRows(count, async ({ rows, product, run }) => {
          rows.fill(1);
          await run();
          return Math.min(...product);
        });
        // Each is INNER ones added up.
        if (least < INNER - 1) return true;
      }
      return false;
    },
  );
}
