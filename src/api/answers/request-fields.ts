/** Fields that requests for an answer share, whichever route they take. */
import * as v from 'valibot';
import { MAX_VERIFIED_NODES } from '../../draft/tree/budget.ts';
import { DRAFT_MODEL_ABLATIONS, TREE_ABLATIONS } from '../../generate/ablation.ts';
import {
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

const LABEL = 'The caller’s own label. It changes nothing.';

/** The caller's own; they change nothing. */
export const labels = {
  user: v.pipe(v.nullish(v.string('must be a string')), v.description(LABEL)),
  safety_identifier: v.pipe(v.nullish(v.string('must be a string')), v.description(LABEL)),
  prompt_cache_key: v.pipe(
    v.nullish(v.string('must be a string')),
    v.description('The caller’s own label. Prompts that begin alike share the cache without it.'),
  ),
  metadata: v.pipe(
    v.nullish(v.record(v.string(), v.string())),
    v.description('The caller’s own labels. They change nothing.'),
  ),
};

const isTrue = 'must be true or false';

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
const number = (least: number, most: number) => {
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

export const streamOptions = v.pipe(
  v.nullish(
    v.strictObject(
      {
        include_usage: v.pipe(
          v.optional(v.boolean(), false),
          v.description('Whether the last chunk has the usage.'),
        ),
      },
      shape,
    ),
  ),
  v.description('`include_usage` adds the usage to the last chunk.'),
);

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
  seed: v.pipe(
    v.nullish(v.pipe(v.number('must be an integer'), v.safeInteger('must be an integer'))),
    v.description('The same seed gives the same text, with and without drafting.'),
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

const ablation = v.strictObject(
  {
    trees: v.pipe(
      v.optional(v.picklist(TREE_ABLATIONS, `must be one of ${TREE_ABLATIONS.join(', ')}`)),
      v.description(
        'In `streamed` the verifier drafts nothing itself and takes the worker’s trees as they come; in `lockstep` it waits for one at every step.',
      ),
    ),
    draft_model: v.pipe(
      v.optional(
        v.picklist(DRAFT_MODEL_ABLATIONS, `must be one of ${DRAFT_MODEL_ABLATIONS.join(', ')}`),
      ),
      v.description(
        '`always` keeps the draft model where it does not pay; `gated` adds RASD’s hard gate; `alone` drafts from it without any store; `unshared` ranks without the verifier’s noise.',
      ),
    ),
  },
  'must be an object with trees, draft_model',
);

export const speculationSchema = v.pipe(
  v.strictObject(
    {
      mode: v.pipe(
        v.optional(v.picklist(['on', 'off'], 'must be "on" or "off"'), 'on'),
        v.description('`on` drafts, `off` does not: a step then gives one token.'),
      ),
      budget: v.pipe(
        v.optional(integer(0, MAX_VERIFIED_NODES), DEFAULT_BUDGET),
        v.description('The most nodes of a draft tree that a step verifies.'),
      ),
      memory: v.pipe(
        v.optional(v.boolean(isTrue), true),
        v.description(
          '`false` disables memory: nothing is drafted from earlier answers or the stores’ text, and nothing of this answer is kept.',
        ),
      ),
      recycle: v.pipe(
        v.optional(v.boolean(isTrue), false),
        v.description(
          'Whether the target’s guesses at every verified token are drafted from too. Needs `memory`.',
        ),
      ),
      transfer: v.pipe(
        v.optional(number(0, MAX_TRANSFER), 0),
        v.description(
          'How much the draft model moves the target (η of RAPID). [Lossy](draft-model.md#what-does-speculationtransfer-do) above 0, and marked so.',
        ),
      ),
      draft_model: v.pipe(
        v.optional(v.picklist(['auto', 'off'], 'must be "auto" or "off"'), 'auto'),
        v.description('Whether the draft model in the worker takes part while it pays.'),
      ),
      ablation: v.pipe(
        v.optional(ablation),
        v.description(
          'What [comparisons](draft-model.md#what-does-speculationablation-change) change about drafting. Not for production: answers are the same and slower.',
        ),
      ),
      stats: v.pipe(
        v.optional(v.boolean(isTrue), false),
        v.description('Adds `usage.speculation`; in a stream, to the usage chunk.'),
      ),
      trace: v.pipe(
        v.optional(v.boolean(isTrue), false),
        v.description(
          'Adds `espalier`: in a stream, the passages to the first chunk, tokens and steps to the others. Only in chat, and with an `n` of 1.',
        ),
      ),
    },
    'must be an object with mode, budget, memory, recycle, draft_model, transfer, stats, trace, ablation',
  ),
  v.title('Speculation'),
  v.description('How an answer is drafted. None of these changes the text but `transfer`.'),
);

/** The field of a request. */
export const speculation = v.pipe(
  v.optional(speculationSchema, {}),
  v.description(
    'How the answer is drafted, and [what is reported of it](#what-does-speculation-take).',
  ),
);

export type SpeculationFields = v.InferOutput<typeof speculationSchema>;
