/** Fields that requests for an answer share, whichever route they take. */
import * as v from 'valibot';
import {
  MAX_LOGIT_BIAS,
  MAX_LOGIT_BIASES,
  MAX_PENALTY,
  MAX_REPETITION_PENALTY,
  MIN_REPETITION_PENALTY,
} from '../../link/protocol/index.ts';

const MAX_STOP_STRINGS = 4;
const MAX_STOP_LENGTH = 256;

/** Texts of one request, prompts times `n`: each holds a slot of the verifier, all at once. */
export const MAX_CHOICES = 8;

/** More tokens than any model has context for: a number this large is a mistake worth naming. */
export const MAX_TOKENS = 1 << 20;

const label = v.pipe(
  v.nullish(v.unknown()),
  v.description('Accepted and not used: the caller’s own label.'),
);

/** Labels, and what there is one of. They change nothing, whatever they hold. */
export const labels = {
  user: label,
  safety_identifier: label,
  metadata: label,
  prompt_cache_key: v.pipe(
    v.nullish(v.unknown()),
    v.description('Accepted and not used: prompts that begin alike share the cache without it.'),
  ),
  prompt_cache_retention: v.pipe(
    v.nullish(v.unknown()),
    v.description('Accepted and not used: the cache keeps what fits.'),
  ),
  service_tier: v.pipe(
    v.nullish(v.unknown()),
    v.description('Accepted and not used: there is one tier.'),
  ),
};

export const isTrue = 'must be true or false';

export const model = v.pipe(
  v.optional(v.string('must be a string')),
  v.description('The model that is served. May be left out.'),
);

export const stream = v.pipe(
  v.nullish(v.boolean(isTrue), false),
  v.description('Whether the answer comes as server-sent events.'),
);

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

export const stop = v.pipe(
  v.nullish(
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
  ),
  v.description('Strings that end the answer. The answer stops before the first of them.'),
);

/** Of a stream’s options. */
export const noPadding = v.pipe(
  v.nullish(v.boolean(isTrue)),
  v.description('Accepted and not used: events are not padded.'),
);

export const streamOptions = v.pipe(
  v.nullish(
    v.strictObject({
      include_usage: v.pipe(
        v.optional(v.boolean(), false),
        v.description('Whether the last chunk has the usage, and the others `null`.'),
      ),
      include_obfuscation: noPadding,
    }),
  ),
  v.description('`include_usage` adds the usage to the last chunk.'),
);

const MAX_SEED = 2n ** 63n - 1n;

/** A bigint where the body's number would lose digits (body/json.ts). */
function isSeed(value: unknown): boolean {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value))) {
    return false;
  }
  const seed = BigInt(value);
  return seed >= -MAX_SEED - 1n && seed <= MAX_SEED;
}

/** How tokens are drawn, in every request for an answer. */
export const sampling = {
  temperature: v.pipe(
    v.nullish(number(0, 2)),
    v.description('0 takes the likeliest token. The model’s own if left out.'),
  ),
  top_p: v.pipe(
    v.nullish(number(0, 1)),
    v.description(
      'Draws from the likeliest tokens that together have this probability. The model’s own if left out.',
    ),
  ),
  top_k: v.pipe(
    v.nullish(integer(0, 1 << 20)),
    v.description(
      'Draws from this many of the likeliest tokens; 0 for all. The model’s own if left out.',
    ),
  ),
  min_p: v.pipe(
    v.nullish(number(0, 1)),
    v.description(
      'Draws from tokens at least this share as likely as the likeliest; 0 for all. The model’s own if left out.',
    ),
  ),
  repetition_penalty: v.pipe(
    v.nullish(number(MIN_REPETITION_PENALTY, MAX_REPETITION_PENALTY)),
    v.description(
      'Divides the positive logits of tokens that occur in the prompt or the answer, and multiplies the negative ones. 1 has no effect. The model’s own if left out.',
    ),
  ),
  seed: v.pipe(
    v.nullish(
      v.pipe(
        v.unknown(),
        v.check(isSeed, `must be an integer from ${-MAX_SEED - 1n} to ${MAX_SEED}`),
        v.metadata({ type: 'integer', format: 'int64' }),
        v.transform((seed) => BigInt(seed as number | bigint)),
      ),
    ),
    v.description(
      'A signed integer of 64 bits. The same seed gives the same text, with and without drafting.',
    ),
  ),
};

const BIASES = `must be an object of at most ${MAX_LOGIT_BIASES} token ids, each with a number from -${MAX_LOGIT_BIAS} to ${MAX_LOGIT_BIAS}`;

/** What is added to and subtracted from logits. */
export const logitFields = {
  frequency_penalty: v.pipe(
    v.nullish(number(-MAX_PENALTY, MAX_PENALTY)),
    v.description(
      'Subtracted from a token’s logit [for each time that the answer has it](#how-do-penalties-and-biases-act).',
    ),
  ),
  presence_penalty: v.pipe(
    v.nullish(number(-MAX_PENALTY, MAX_PENALTY)),
    v.description('Subtracted from a token’s logit once the answer has it.'),
  ),
  logit_bias: v.pipe(
    v.nullish(biases()),
    v.description(
      `Added to the logits of up to ${MAX_LOGIT_BIASES} tokens, by their ids. −100 bans a token, 100 leaves only such tokens.`,
    ),
  ),
};

function biases() {
  return v.pipe(
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
  );
}
