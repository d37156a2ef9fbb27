/** How every route that answers opens what it asks for. */
import type { Context } from 'hono';
import { Answer } from '../../generate/answer.ts';
import { preparing } from '../../generate/preparing.ts';
import { answerCount, type GenerationRequest } from '../../generate/request.ts';
import type { ModelRecord } from '../../model/record.ts';
import { withServedModel } from '../../model/served-model.ts';
import { ignore } from '../body/read.ts';
import type { AppEnv } from '../context.ts';
import { invalid } from '../errors.ts';
import { requireModel } from '../instance/route.ts';
import { requireConcurrency } from '../middleware/limit.ts';
import { observeWaits } from '../middleware/observe.ts';
import { answerFailure } from './failure.ts';
import type { FieldPaths } from './field-paths.ts';
import { maxWaitMs } from './max-wait.ts';

/** Both say how much the model is to think. */
const THINKING: readonly string[] = ['reasoning_effort', 'enable_thinking'];

/**
 * Answers that the verifier has taken: all that the request asks for, or an
 * `ApiFailure` in the route's own terms.
 *
 * @param asked the model that the body names
 * @param toRequest what the body asks for, once the served model is known
 */
export async function openAnswers(
  c: Context<AppEnv>,
  asked: string | undefined,
  paths: FieldPaths,
  toRequest: (model: ModelRecord) => Promise<GenerationRequest>,
): Promise<Answer[]> {
  const maxWait = maxWaitMs(c);
  const { tenant, clientLeft } = c.var;
  try {
    const { waitedMs, release } = await preparing.enter(tenant.id, maxWait, clientLeft);
    let preparedAt = Date.now();
    function onPrepared(): void {
      preparedAt = Date.now();
      release();
    }
    try {
      const answers = await withServedModel(c.env, async (model) => {
        if (asked !== undefined) requireModel(model, asked);
        const request = await toRequest(model);
        const unread = unreadVariables(model.templateSource, request);
        ignore(
          c,
          unread.map((name) => [name]),
          'is not read by the chat template',
        );
        await requireConcurrency(c, answerCount(request), paths.choices);
        requireRoom(model, request.maxTokens, paths);
        const maxWaitMs = Math.max(0, maxWait - waitedMs);
        const hooks = { onPrepared, clientLeft };
        return Answer.openAll(c.env, tenant, model, { ...request, maxWaitMs }, hooks);
      });
      observeWaits(c, { preparation: waitedMs, slot: Date.now() - preparedAt });
      return answers;
    } finally {
      release();
    }
  } catch (error) {
    throw answerFailure(error, paths);
  }
}

/** Names of variables that the served chat template never reads. */
function unreadVariables(template: string, { input }: GenerationRequest): string[] {
  if (input.kind !== 'conversation') return [];
  const reads = (name: string) => new RegExp(`\\b${name}\\b`).test(template);
  const { variables } = input;
  // `reasoning_effort: "none"` is given under two names, of which one is enough.
  const none = variables.reasoning_effort === 'none' ? THINKING.filter(reads) : [];
  return Object.keys(variables).filter(
    (name) => !reads(name) && !(none.length > 0 && THINKING.includes(name)),
  );
}

/** A ceiling above the context is a mistake worth naming; one within it is cut to what the prompt leaves. */
function requireRoom(
  { maxContext }: ModelRecord,
  maxTokens: number | null,
  paths: FieldPaths,
): void {
  if (maxTokens === null || maxTokens <= maxContext) return;
  throw invalid(
    paths.maxTokens,
    `at most ${maxContext}, the model's context`,
    'context_length_exceeded',
  );
}
