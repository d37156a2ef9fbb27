/** What is compared: ways to draft, by the request's `speculation`. */

export interface Variant {
  mode: 'off' | 'echoed' | 'streamed';
  draft_model: 'off' | 'auto' | 'always' | 'gated' | 'alone' | 'unshared';
}

/** Without D; as by default, the scheduler included; never dropped. */
export const MAIN = {
  L: { mode: 'echoed', draft_model: 'off' },
  'L+D': { mode: 'echoed', draft_model: 'auto' },
  'L+D always': { mode: 'echoed', draft_model: 'always' },
} as const satisfies Record<string, Variant>;

/** The echo knows no gate and would help D alone: these run without one, and what they compare with. */
export const STREAMED = {
  'streamed L': { mode: 'streamed', draft_model: 'off' },
  'streamed L+D': { mode: 'streamed', draft_model: 'always' },
  'L+D rasd-gate': { mode: 'streamed', draft_model: 'gated' },
  D: { mode: 'streamed', draft_model: 'alone' },
} as const satisfies Record<string, Variant>;

export const UNSHARED = {
  'L+D without shared noise': { mode: 'echoed', draft_model: 'unshared' },
} as const satisfies Record<string, Variant>;

/** For a long document: no drafting at all is the baseline. */
export const LONG = {
  off: { mode: 'off', draft_model: 'off' },
  ...MAIN,
} as const satisfies Record<string, Variant>;
