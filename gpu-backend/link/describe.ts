/** What a worker learns of the target at `GET /model`: enough to tokenize, prompt and stop. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ACCEPT_RULES,
  type AcceptRuleName,
  type ModelDescription,
  type PromptForm,
} from '../../src/link/protocol/index.ts';
import { type AcceptAids, lossyRulesOf } from '../accept/choice.ts';
import type { ModelFolder } from '../builder/model-folder.ts';

/** For models that say nothing of their own: instruction-tuned ones understand it. */
const GENERAL_FORM: PromptForm = {
  instruction:
    'Answer the question from the passages below, and quote them where that helps. ' +
    'If they do not contain the answer, say so.',
  passages: 5,
  passageTokens: 320,
  passageHeader: '[{n}] {title} > {heading}',
  refusal: 'The passages do not say.',
};

/** `maxContext`: what the engine can hold, at most the model's own limit. */
export function describeModel(
  model: ModelFolder,
  { maxContext, exact }: { maxContext: number; exact: boolean },
  aids: AcceptAids = {},
  acceptRules: readonly AcceptRuleName[] = ACCEPT_RULES,
): ModelDescription {
  const { manifest } = model;
  return {
    id: manifest.name,
    fingerprint: {
      model: manifest.fingerprints.model,
      tokenizer: manifest.fingerprints.tokenizer,
    },
    maxContext,
    trainedContext: Math.min(manifest.trainedContext ?? maxContext, maxContext),
    eosIds: model.eosIds,
    exact,
    acceptRules: [...acceptRules],
    lossyRules: lossyRulesOf(aids),
    generation: readGenerationConfig(model.path),
    prompt: { ...GENERAL_FORM, ...manifest.prompt },
  };
}

function readGenerationConfig(folder: string): Record<string, unknown> {
  const file = join(folder, 'generation_config.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}
