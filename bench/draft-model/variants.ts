/** What is compared: ways to draft, as the request's `speculation`. */

export interface Variant {
  mode?: 'on' | 'off';
  draft_model?: 'off' | 'auto';
  ablation?: {
    trees?: 'streamed' | 'lockstep';
    draft_model?: 'always' | 'gated' | 'alone' | 'unshared';
  };
}

/** Without D; as by default, the scheduler included; never dropped. */
export const MAIN = {
  L: { draft_model: 'off' },
  'L+D': {},
  'L+D always': { ablation: { draft_model: 'always' } },
} as const satisfies Record<string, Variant>;

/** The echo knows no gate and would help D alone: these run without one, and what they compare with. */
export const STREAMED = {
  'streamed L': { draft_model: 'off', ablation: { trees: 'streamed' } },
  'streamed L+D': { ablation: { trees: 'streamed', draft_model: 'always' } },
  'L+D rasd-gate': { ablation: { trees: 'streamed', draft_model: 'gated' } },
  D: { ablation: { trees: 'streamed', draft_model: 'alone' } },
} as const satisfies Record<string, Variant>;

export const UNSHARED = {
  'L+D without shared noise': { ablation: { draft_model: 'unshared' } },
} as const satisfies Record<string, Variant>;

/** For a long document: no drafting at all is the baseline. */
export const LONG = {
  off: { mode: 'off', draft_model: 'off' },
  ...MAIN,
} as const satisfies Record<string, Variant>;
