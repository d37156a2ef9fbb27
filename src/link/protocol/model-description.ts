import type { AcceptRuleName, LossyAcceptName } from './accept-rules.ts';

/**
 * What a verifier says of its model at `GET /model`: the one contract between the
 * two halves that is JSON over HTTP. A worker needs it to tokenize, to prompt and
 * to know where answers end.
 */
export interface ModelDescription {
  id: string;
  /** sha256 of the weights and of tokenizer.json, hex: a link is refused where they differ. */
  fingerprint: { model: string; tokenizer: string };
  /** The most tokens of prompt and answer together that the verifier takes. */
  maxContext: number;
  /** The most tokens that the model was trained on: beyond it answers get worse. */
  trainedContext: number;
  /** Token ids that end an answer. */
  eosIds: number[];
  /** Whether drafting can't change a bit of the logits; where it can, it is within rounding. Not said by old verifiers. */
  exact?: boolean | undefined;
  /** The accept rules that its operator allows. Not said by old verifiers, which allow all. */
  acceptRules?: AcceptRuleName[] | undefined;
  /** The lossy accept rules that the model has what is needed for. Not said by old verifiers. */
  lossyRules?: LossyAcceptName[] | undefined;
  /** generation_config.json: the model's own defaults for sampling. */
  generation: Record<string, unknown>;
  prompt: PromptForm;
}

/** How passages are put to the model. */
export interface PromptForm {
  /** First line of the system message. */
  instruction: string;
  /** The most passages of a prompt, best first. */
  passages: number;
  /** The most tokens of a passage's text. */
  passageTokens: number;
  /** The line before a passage, with `{n}`, `{title}` and `{heading}`. */
  passageHeader: string;
  /** What the model says when the passages have no answer. */
  refusal: string;
}
