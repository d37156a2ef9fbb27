/** `speculation` of a request: how its answer is drafted, and what is reported of it. */
import * as v from 'valibot';
import { MAX_VERIFIED_NODES } from '../../draft/tree/budget.ts';
import { DRAFT_MODEL_ABLATIONS, TREE_ABLATIONS } from '../../generate/ablation.ts';
import { ACCEPT_RULES, MAX_TRANSFER } from '../../link/protocol/index.ts';
import { integer, isTrue, number } from './request-fields.ts';

/** Nodes verified in a step when the request doesn't say; the cost curve may take fewer. */
const DEFAULT_BUDGET = 32;

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
      transfer: v.pipe(
        v.optional(number(0, MAX_TRANSFER), 0),
        v.description(
          'How much the draft model moves the target (η of RAPID). [Lossy](draft-model.md#what-does-speculationtransfer-do) above 0 at any temperature but 0, and marked so.',
        ),
      ),
      accept: v.pipe(
        v.optional(v.picklist(ACCEPT_RULES, `must be one of ${ACCEPT_RULES.join(', ')}`), 'match'),
        v.description(
          '[How drafts are accepted](acceptance.md). `match` commits the target’s own draw. `recursive`, `k-seq`, `without-replacement` and `greedy` keep its distribution and not the text of a seed; `typical`, `relaxed` and `judge` are lossy, and marked so.',
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
          'Adds `espalier`: in a stream, the passages to the first chunk, tokens and steps to the others, and `prompt_read` before them while the model reads a long prompt. Only in chat, and with an `n` of 1.',
        ),
      ),
    },
    'must be an object with mode, budget, memory, draft_model, transfer, accept, stats, trace, ablation',
  ),
  v.title('Speculation'),
  v.description(
    'How an answer is drafted. None of these changes the text but `transfer` and `accept`.',
  ),
);

/** The field of a request. */
export const speculation = v.pipe(
  v.optional(speculationSchema, {}),
  v.description(
    'How the answer is drafted, and [what is reported of it](#what-does-speculation-take).',
  ),
);

export type SpeculationFields = v.InferOutput<typeof speculationSchema>;
