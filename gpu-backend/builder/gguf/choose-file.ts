/** Which of a repository's GGUF files a name means. */
import { basename } from 'node:path';
import { isGgufName } from './checkpoint.ts';

/** Files of this format that hold no language model. */
const OTHER_PARTS = /(^|\/)(mmproj|imatrix)/i;
const SPLIT = /-\d{5}-of-\d{5}\.gguf$/i;

/**
 * `wanted` is a file's path, or a quantisation at the end of a file's name, like
 * Q4_K_M. Throws an Error that lists what `paths` offer where none fits, more
 * than one does, or the model is split over several files.
 */
export function chooseGguf(paths: readonly string[], wanted: string): string {
  const models = paths.filter((path) => isGgufName(path) && !OTHER_PARTS.test(path));
  const fitting = isGgufName(wanted)
    ? models.filter((path) => path === wanted)
    : models.filter((path) => quantisationOf(path, wanted));
  const split = fitting.filter((path) => SPLIT.test(path));
  if (split.length > 0) {
    throw new Error(
      `${wanted} is split into ${split.length} files, which is not supported; ${offer(models)}`,
    );
  }
  if (fitting.length === 1) return fitting[0]!;
  const problem = fitting.length === 0 ? 'no file fits' : `${fitting.length} files fit`;
  throw new Error(`${problem} "${wanted}"; ${offer(fitting.length > 1 ? fitting : models)}`);
}

/** Whether the file's name ends with that quantisation: "a-b-Q4_K_M.gguf" with "q4_k_m". */
function quantisationOf(path: string, quantisation: string): boolean {
  const stem = basename(path).replace(SPLIT, '.gguf').toLowerCase();
  const end = `${quantisation.toLowerCase()}.gguf`;
  return stem.endsWith(end) && /^$|[-.]$/.test(stem.slice(0, -end.length));
}

function offer(paths: readonly string[]): string {
  const whole = paths.filter((path) => !SPLIT.test(path));
  return whole.length === 0 ? 'there are no others' : `there are ${whole.join(', ')}`;
}
