/** JSON text to a value, with a seed's digits kept: seeds have 64 bits, JavaScript's numbers 53. */

/** A member of that name, in any object: no quote inside a string is bare. */
const LONG_SEED = /(?<!\\)("seed"\s*:\s*)(-?\d{16,})(?![\d.eE])/g;

/** `seed` of the outermost object is a bigint where a number would lose digits. Throws a SyntaxError. */
export function parseJson(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return parsed;
  if (Number.isSafeInteger((parsed as { seed?: unknown }).seed ?? 0)) return parsed;
  // Read once more with a number in each long seed's place, which names its digits: a reviver
  // would be told where each value was written, at thirty times the cost.
  const seeds: string[] = [];
  const numbered = text.replace(LONG_SEED, (_, name: string, digits: string) => {
    return `${name}"${seeds.push(digits) - 1}"`;
  });
  if (seeds.length === 0) return parsed;
  const digits = seeds[Number((JSON.parse(numbered) as { seed: unknown }).seed)];
  const isAsWritten = digits !== undefined && Number(digits) === (parsed as { seed: unknown }).seed;
  return isAsWritten ? Object.assign(parsed, { seed: BigInt(digits) }) : parsed;
}
