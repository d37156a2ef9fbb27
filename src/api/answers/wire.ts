/** What answers of chat, completions and responses have in common. */
import * as v from 'valibot';
import { SOURCE_NAMES } from '../../draft/source.ts';
import { count, seconds } from '../wire.ts';

export const head = { id: v.string(), created: seconds, model: v.string() };

const speculationUsage = v.pipe(
  v.object({
    steps: v.pipe(count, v.description('Forward passes of the target after prefill.')),
    drafted: v.pipe(count, v.description('Candidate tokens verified.')),
    accepted: v.pipe(count, v.description('Candidate tokens accepted.')),
    mean_accepted: v.pipe(
      v.number(),
      v.description('Tokens committed per step, the target’s own included.'),
    ),
    by_source: v.pipe(
      v.partial(v.object(Object.fromEntries(SOURCE_NAMES.map((name) => [name, count])))),
      v.description('Tokens committed by what proposed them; `target` where nothing did.'),
    ),
    draft_model: v.pipe(
      v.nullable(
        v.object({
          state: v.string(),
          passes: v.pipe(count, v.description('Forward passes of the draft model.')),
          context_tokens: v.pipe(count, v.description('Tokens that it read.')),
          spent_ms: v.number(),
          saved_ms: v.number(),
        }),
      ),
      v.description('The draft model in the worker; `null` where there was none.'),
    ),
    lossy: v.pipe(
      v.optional(v.string()),
      v.description('What may have moved the answer away from the target’s own, if anything.'),
    ),
    moved: v.pipe(
      v.optional(v.number()),
      v.description(
        'With `transfer`: the share of tokens at which a draft model moved the target.',
      ),
    ),
    deviations: v.pipe(
      v.optional(count),
      v.description('With a lossy `accept`: tokens that the target did not draw itself.'),
    ),
    deviation_rate: v.pipe(
      v.optional(v.number()),
      v.description('With a lossy `accept`: the share of committed tokens that `deviations` are.'),
    ),
  }),
  v.title('SpeculationUsage'),
);

export const usage = v.pipe(
  v.object({
    prompt_tokens: count,
    completion_tokens: count,
    total_tokens: count,
    prompt_tokens_details: v.object({
      cached_tokens: v.pipe(count, v.description('What the verifier had in its cache.')),
    }),
    completion_tokens_details: v.pipe(
      v.optional(
        v.partial(
          v.object({
            reasoning_tokens: count,
            accepted_prediction_tokens: count,
            rejected_prediction_tokens: count,
          }),
        ),
      ),
      v.description(
        'Tokens that the model thought with; of a prediction, what the answer has and what it has not.',
      ),
    ),
    speculation: v.optional(speculationUsage),
  }),
  v.title('Usage'),
);

export const citation = v.pipe(
  v.object({
    type: v.literal('file_citation'),
    index: v.pipe(
      count,
      v.description('Where the quotation ends in the answer, in UTF-16 code units.'),
    ),
    file_id: v.string(),
    filename: v.string(),
    title: v.string(),
    heading: v.string(),
    start: v.pipe(
      count,
      v.description('Where the passage begins in the file’s text, in UTF-16 code units.'),
    ),
    end: count,
  }),
  v.title('Citation'),
);

const tokenLogprobEntries = {
  token: v.string(),
  logprob: v.number(),
  bytes: v.pipe(
    v.nullable(v.array(count)),
    v.description('UTF-8. A token may hold a part of a character. `null` for a special token.'),
  ),
};

const tokenLogprob = v.pipe(v.object(tokenLogprobEntries), v.title('TokenLogprob'));

export const tokenLogprobs = v.array(
  v.object({ ...tokenLogprobEntries, top_logprobs: v.array(tokenLogprob) }),
);
