/** Uniform integers that a seed fixes. */
export type RandomInteger = (least: number, most: number) => number;

/** A linear congruential generator modulo 2^32 (Numerical Recipes' constants), its high bits used. */
export function randomIntegers(seed: number): RandomInteger {
  let state = seed >>> 0;
  return (least, most) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return least + Math.floor((state / 2 ** 32) * (most - least + 1));
  };
}
