/** JSON text to a value, with a seed's digits kept: seeds have 64 bits, JavaScript's numbers 53. */

/** What V8 gives a reviver beside the value: the literal as it was written. */
type Reviver = (this: object, key: string, value: unknown, context: { source?: string }) => unknown;

const parseWith = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** A reviver is called for every value of a body: only where some seed needs one. */
const LONG_SEED = /"seed"\s*:\s*-?\d{16}/;

/** `seed` of the outermost object is a bigint where a number would lose digits. Throws a SyntaxError. */
export function parseJson(text: string): unknown {
  if (!LONG_SEED.test(text)) return JSON.parse(text);
  const sources = new Map<object, string>();
  const parsed = parseWith(text, function keepSeed(key, value, { source }) {
    if (key === 'seed' && typeof value === 'number' && source) sources.set(this, source);
    return value;
  });
  if (typeof parsed !== 'object' || parsed === null) return parsed;
  const source = sources.get(parsed);
  const isLong = /^-?\d+$/.test(source ?? '') && !Number.isSafeInteger(Number(source));
  return isLong ? Object.assign(parsed, { seed: BigInt(source!) }) : parsed;
}
