/** Growing by an eighth keeps the slack small (memory has a budget) at an amortised copy of eight words a word. */
const GROWTH = 1.125;

/** `array` copied into a somewhat larger one. */
export function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.ceil(array.length * GROWTH));
  larger.set(array);
  return larger;
}
