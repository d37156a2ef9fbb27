/** Texts, or lists of their ids, to what a graph takes: in slices, between which others are served. */
import { pause } from '../../pause.ts';

/** Characters or ids encoded between two pauses: some ten milliseconds of work. */
export const ENCODED_A_SLICE = 32_768;

/** In the order of the inputs. */
export async function encodeAll<Input extends { length: number }, Encoded>(
  inputs: readonly Input[],
  encode: (input: Input) => Encoded,
): Promise<Encoded[]> {
  const encoded: Encoded[] = [];
  let sinceRest = 0;
  for (const input of inputs) {
    if (sinceRest >= ENCODED_A_SLICE) {
      await pause();
      sinceRest = 0;
    }
    encoded.push(encode(input));
    sinceRest += input.length;
  }
  return encoded;
}
