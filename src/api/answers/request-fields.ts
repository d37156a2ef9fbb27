/** Fields that requests for an answer share, whichever route they take. */
import * as v from 'valibot';
import { MAX_VERIFIED_NODES } from '../../draft/tree/budget.ts';
import { DRAFT_MODEL_USES } from '../../generate/draft-model/turn-model.ts';
import {
  DRAFTING_MODES,
  MAX_LOGIT_BIAS,
  MAX_LOGIT_BIASES,
  MAX_PENALTY,
  MAX_TRANSFER,
} from '../../link/protocol/index.ts';

const MAX_STOP_STRINGS = 4;
const MAX_STOP_LENGTH = 256;
/** Nodes verified in a step when the request doesn't say; the cost curve may take fewer. */
const DEFAULT_BUDGET = 32;

/** Texts of one request, prompts times `n`: each holds a slot of the verifier, all at once. */
export const MAX_CHOICES = 8;

/** More tokens than any model has context for: a number this large is a mistake worth naming. */
export const MAX_TOKENS = 1 << 20;

/** Names what is wrong with an object: a field too many, one missing, or no object at all. */
export function shape(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === 'never') return 'is not supported: leave it out';
  return issue.received === 'undefined' ? 'is required' : 'must be an object';
}

/** A field of OpenAI's that does nothing here: only the value that asks for nothing is taken. */
export function neutral<const Value extends string | number | boolean>(value: Value) {
  return v.nullish(v.literal(value, `is not supported: leave it out, or send ${value}`));
}

/** The caller's own; they change nothing. */
export const labels = {
  user: v.nullish(v.string('must be a string')),
  safety_identifier: v.nullish(v.string('must be a string')),
  /** What a prompt has in common with an earlier one is found without it. */
  prompt_cache_key: v.nullish(v.string('must be a string')),
  metadata: v.nullish(v.record(v.string(), v.string())),
};

export const integer = (least: number, most: number) => {
  const range = `must be an integer from ${least} to ${most}`;
  return v.pipe(
    v.number(range),
    v.integer(range),
    v.minValue(least, range),
    v.maxValue(most, range),
  );
};
export const number = (least: number, most: number) => {
  const range = `must be a number from ${least} to ${most}`;
  return v.pipe(v.number(range), v.minValue(least, range), v.maxValue(most, range));
};
const stopString = v.pipe(
  v.string('must be a string'),
  v.minLength(1, 'must not be empty'),
  v.maxLength(MAX_STOP_LENGTH, `must have at most ${MAX_STOP_LENGTH} characters`),
);

/** A string that ends the answer, or several. */
export const stop = v.nullish(
  v.union(
    [
      stopString,
      v.pipe(
        v.array(stopString),
        v.maxLength(MAX_STOP_STRINGS, `must have at most ${MAX_STOP_STRINGS} strings`),
      ),
    ],
    `must be a string or a list of at most ${MAX_STOP_STRINGS} strings`,
  ),
);

export const seed = v.nullish(
  v.pipe(v.number('must be an integer'), v.safeInteger('must be an integer')),
);

export const streamOptions = v.nullish(
  v.strictObject({ include_usage: v.optional(v.boolean(), false) }, shape),
);

/** Subtracted from the logits of what the answer has: once, or for each time. */
export const penalty = v.nullish(number(-MAX_PENALTY, MAX_PENALTY));

const BIASES = `must be an object of at most ${MAX_LOGIT_BIASES} token ids, each with a number from -${MAX_LOGIT_BIAS} to ${MAX_LOGIT_BIAS}`;

/** Added to the logits of tokens, by their ids. */
export const logitBias = v.nullish(
  v.pipe(
    v.record(
      v.pipe(v.string(), v.regex(/^\d{1,8}$/, BIASES)),
      v.pipe(
        v.number(BIASES),
        v.minValue(-MAX_LOGIT_BIAS, BIASES),
        v.maxValue(MAX_LOGIT_BIAS, BIASES),
      ),
      BIASES,
    ),
    v.check((biases) => Object.keys(biases).length <= MAX_LOGIT_BIASES, BIASES),
    v.transform((biases) =>
      Object.entries(biases).map(([id, bias]): [number, number] => [Number(id), bias]),
    ),
    v.check(
      (biases) => new Set(biases.map(([id]) => id)).size === biases.length,
      'names a token twice',
    ),
  ),
);

export const speculationSchema = v.strictObject(
  {
    /** `on` is the default, `echoed`; the others are for comparison. */
    mode: v.optional(
      v.picklist(['on', ...DRAFTING_MODES], `must be "on" or one of ${DRAFTING_MODES.join(', ')}`),
      'on',
    ),
    budget: v.optional(integer(0, MAX_VERIFIED_NODES), DEFAULT_BUDGET),
    /** Drafts from what the tenant's earlier answers left, and leaves this one to later ones. */
    memory: v.optional(v.boolean('must be true or false'), true),
    /** Drafts from the target's guesses at every verified token too, which takes bytes; needs `memory`. */
    recycle: v.optional(v.boolean('must be true or false'), false),
    /** η of RAPID's knowledge transfer: above 0 the draft model moves the target. Lossy, and marked so. */
    transfer: v.optional(number(0, MAX_TRANSFER), 0),
    /** Whether the worker's draft model takes part; all but auto and off are for comparison. */
    draft_model: v.optional(
      v.picklist(DRAFT_MODEL_USES, `must be one of ${DRAFT_MODEL_USES.join(', ')}`),
      'auto',
    ),
    /** Adds `usage.speculation`. */
    stats: v.optional(v.boolean('must be true or false'), false),
    /** Adds `espalier` to the chunks: passages, tokens with sources, steps. */
    trace: v.optional(v.boolean('must be true or false'), false),
  },
  'must be an object with mode, budget, memory, recycle, draft_model, transfer, stats, trace',
);

export type SpeculationRequest = v.InferOutput<typeof speculationSchema>;

/** Any integer, or none, to the 64 bits that key the noise. */
export function seedHalves(seed: number | null | undefined): [number, number] {
  if (seed === null || seed === undefined) {
    const [low, high] = crypto.getRandomValues(new Uint32Array(2));
    return [low!, high!];
  }
  const bits = BigInt.asUintN(64, BigInt(seed));
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}
