/** A cache tensor before and after a step, which are the same memory. */
export interface CacheName {
  input: string;
  output: string;
}

/** Names of one attention block's cache tensors in one lane: keys, then values. */
export function cacheNames(cache: number, lane: number): readonly [CacheName, CacheName] {
  return [
    { input: `key.${cache}.${lane}`, output: `key_out.${cache}.${lane}` },
    { input: `value.${cache}.${lane}`, output: `value_out.${cache}.${lane}` },
  ];
}
