/**
 * Which form a turn is quickest in on this machine: times one product of the
 * model's width in both, larger than a cache, and adds up what a turn is made of.
 */
import { timeProducts } from './product-time.ts';

/** Weights of the product: beyond what caches hold, as a model's are. */
const WEIGHTS = 1 << 25;
/**
 * A turn: a prompt of 512 tokens, and an answer of 128 of which half come one a
 * step and half in steps of 16 rows that give four each. Runs, by their rows.
 */
const TURN: readonly (readonly [rows: number, runs: number])[] = [
  [64, 8],
  [1, 64],
  [16, 16],
];

/** `width`: the model's hidden size; `threads` as the engine's. */
export async function quickestForm(width: number, threads: number): Promise<'int8' | 'int4'> {
  const shape = [Math.ceil(WEIGHTS / width), width] as const;
  const rows = TURN.map(([count]) => count);
  const turn = async (form: 'columns8' | 'blocks4') => {
    const times = await timeProducts(form, shape, rows, threads);
    return TURN.reduce((sum, [, runs], i) => sum + runs * times[i]!, 0);
  };
  return (await turn('columns8')) <= (await turn('blocks4')) ? 'int8' : 'int4';
}
