/** How the answers to a chat begin, whichever route it came by. */
import type { Context } from 'hono';
import { type Answer, type AnswerRequest, startAnswers } from '../../generate/answer.ts';
import { LinkFailure } from '../../link/failure.ts';
import { loadModel, type ModelRecord } from '../../model/record.ts';
import { withServedModel } from '../../model/served-model.ts';
import { drawingOf, requireRoom, requireStores, seedOfChoice } from '../answers/answering.ts';
import { searchOptionsOf } from '../answers/file-search-tool.ts';
import { callingOf, fileSearchOf } from '../answers/function-tools.ts';
import { logprobsAsked } from '../answers/logprobs.ts';
import { predictionOf } from '../answers/prediction.ts';
import { requestFiles } from '../answers/request-files.ts';
import { grammarFailure, grammarOfFormat } from '../answers/response-format.ts';
import { turnFailure } from '../answers/turn-failure.ts';
import type { AppEnv } from '../context.ts';
import { invalid } from '../errors.ts';
import { requireModel } from '../instance/models.ts';
import { requireConcurrency } from '../middleware/limit.ts';
import { type ChatRequest, plainMessages } from './schema.ts';

/** The choices of a chat, taken by the verifier: all of them, or an `ApiFailure`. */
export async function beginChat(
  c: Context<AppEnv>,
  body: ChatRequest,
): Promise<{ model: ModelRecord; answers: Answer[] }> {
  await requireConcurrency(c, body.n, ['n']);
  const tenant = c.get('tenant');
  return withServedModel(c.env, async (model) => {
    if (body.model !== undefined) requireModel(model, body.model);
    const request = await toAnswerRequest(c.env, tenant, body, model);
    requireRoom(model, request.maxTokens);
    const seeds = Array.from({ length: body.n }, (_, choice) => seedOfChoice(request.seed, choice));
    return { model, answers: await startAnswers(c.env, tenant, model, request, seeds) };
  }).catch(async (error: unknown) => {
    if (!(error instanceof LinkFailure)) throw turnFailure(error, 'messages');
    const places = callingOf(body, await loadModel(c.env))?.places;
    throw grammarFailure(error, places) ?? turnFailure(error, 'messages');
  });
}

async function toAnswerRequest(
  env: AppEnv['Bindings'],
  tenant: AppEnv['Variables']['tenant'],
  body: ChatRequest,
  model: ModelRecord,
): Promise<AnswerRequest> {
  const messages = plainMessages(body);
  const question = messages.findLast(({ role }) => role === 'user');
  if (body.n > 1 && body.speculation.trace) {
    throw invalid(['speculation', 'trace'], 'only with an n of 1');
  }
  if (!question) throw invalid(['messages'], 'one must have the role "user"');
  const calling = callingOf(body, model);
  const files = await requestFiles(env, tenant, body);
  if (body.context === 'full' && files.length === 0) {
    throw invalid(['context'], '"full" needs files: name them in file_ids');
  }
  return {
    ...drawingOf(body, model),
    logprobs: logprobsAsked(body),
    functions: calling?.functions ?? [],
    grammar: calling?.grammar ?? grammarOfFormat(body.response_format),
    prediction: predictionOf(body, model),
    messages,
    query: question.content,
    storeIds: await storesOf(env, tenant, body, files.length > 0),
    ...(files.length > 0 && { attached: { files, whole: body.context === 'full' } }),
    search: searchOptionsOf(fileSearchOf(body.tools)),
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
  };
}

/** Named in the tool or beside it; a request that brings files and names none is answered from the files. */
async function storesOf(
  env: AppEnv['Bindings'],
  tenant: AppEnv['Variables']['tenant'],
  { tools, vector_store_ids }: ChatRequest,
  bringsFiles: boolean,
): Promise<readonly string[]> {
  const tool = fileSearchOf(tools);
  if (!tool) return requireStores(env, tenant, vector_store_ids ?? (bringsFiles ? [] : null));
  if (vector_store_ids) {
    throw invalid(['vector_store_ids'], 'name the stores here or in tools, not in both');
  }
  const path = ['tools', tools!.indexOf(tool), 'vector_store_ids'];
  return requireStores(env, tenant, tool.vector_store_ids, path);
}
