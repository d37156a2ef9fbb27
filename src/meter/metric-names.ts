/** The metrics there are. Speculation's are named as vLLM names its own. */

export interface Metric {
  /** A gauge is read when it is asked for; nobody adds it up. */
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  /** Upper bounds of a histogram's buckets. */
  bounds?: readonly number[];
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** A token takes tens of microseconds at the least, and rarely a second. */
const TOKEN_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
];

export const METRICS = {
  espalier_http_requests_total: {
    type: 'counter',
    help: 'Requests answered, by route, method and status.',
  },
  espalier_http_request_seconds: {
    type: 'histogram',
    help: 'Time until the answer began, by route.',
    bounds: SECONDS,
  },
  espalier_prompt_tokens_total: { type: 'counter', help: 'Prompt tokens of answers.' },
  espalier_cached_prompt_tokens_total: {
    type: 'counter',
    help: 'Of them, those the verifier had in its cache.',
  },
  espalier_generation_tokens_total: { type: 'counter', help: 'Tokens of answers.' },
  espalier_spec_decode_num_drafts_total: {
    type: 'counter',
    help: 'Verify steps: forward passes of the target after prefill.',
  },
  espalier_spec_decode_num_draft_tokens_total: {
    type: 'counter',
    help: 'Candidate tokens verified.',
  },
  espalier_spec_decode_num_accepted_tokens_total: {
    type: 'counter',
    help: 'Candidate tokens accepted.',
  },
  espalier_spec_decode_num_accepted_tokens_per_pos_total: {
    type: 'counter',
    help: 'Steps that accepted a candidate at this position of their path; 0 is the first.',
  },
  espalier_spec_decode_accepted_by_source_total: {
    type: 'counter',
    help: 'Tokens of answers by what proposed them.',
  },
  espalier_answers_total: {
    type: 'counter',
    help: 'Answers that began, by how they ended: stop, length, or broken.',
  },
  espalier_time_to_first_token_seconds: {
    type: 'histogram',
    help: 'From the request to the first tokens.',
    bounds: SECONDS,
  },
  espalier_time_per_output_token_seconds: {
    type: 'histogram',
    help: 'Of an answer, per token after its first step.',
    bounds: TOKEN_SECONDS,
  },
  espalier_waiting_requests: {
    type: 'gauge',
    help: 'Requests that wait now: at this worker for their preparation, at the verifiers for a slot.',
  },
  espalier_wait_seconds: {
    type: 'histogram',
    help: 'Time that answers waited until they began, for their preparation and for a slot.',
    bounds: SECONDS,
  },
  espalier_draft_model_turns_total: {
    type: 'counter',
    help: 'Answers that had the draft model, by how it left them.',
  },
  espalier_draft_model_passes_total: { type: 'counter', help: 'Passes of the draft model.' },
  espalier_draft_model_seconds_total: {
    type: 'counter',
    help: 'Time of workers that the draft model took.',
  },
  espalier_limiter_refusals_total: {
    type: 'counter',
    help: 'Requests refused for their key’s sake, by reason: rate or concurrency.',
  },
  espalier_draft_memory_asks_total: {
    type: 'counter',
    help: 'Questions that answers asked of what is kept for drafting, by store and outcome: nobody waits for one.',
  },
  espalier_draft_memory_seconds: {
    type: 'histogram',
    help: 'Time until such a question was answered, by store.',
    bounds: SECONDS,
  },
  espalier_draft_memory_tokens_total: {
    type: 'counter',
    help: 'Tokens of past answers and ingested text that were fetched to draft from, by store.',
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

export interface Observation {
  name: MetricName;
  /** Few values each: no ids, no names of users. */
  labels?: Record<string, string>;
  value: number;
}
