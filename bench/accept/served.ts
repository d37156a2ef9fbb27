/**
 * The rules at work on a real model: questions with known answers through the verifier's
 * own session, drafted from the session's text and the target's recycled successors.
 */
import { facts, isRight } from '../../bin/judge/facts.ts';
import { type OpenedModel, openModel } from '../../bin/open-model.ts';
import { type AcceptChoice, chooseAccept } from '../../gpu-backend/accept/choice.ts';
import { readJudge } from '../../gpu-backend/accept/lossy/judge-file.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import { ACCEPT_RULES } from '../../src/link/protocol/index.ts';
import { turnOf } from '../../test/support/turn.ts';
import { Decoder } from '../drafters/decode.ts';
import { countingClock, withFreeNodes } from '../drafters/free-nodes.ts';
import { neighboursOf } from './from-model.ts';

const TOKENS = 24;
/** Nodes of every tree, whatever they cost. */
const NODES = 12;
/** Other questions than the judge learned from. */
const SEED = 2;

export interface Served {
  mat: number;
  /** Share of tokens that the target did not draw. */
  deviating: number;
  /** Share of questions whose answer has the known words. */
  right: number;
  /** Of what was committed, under the target at temperature 1. */
  perplexity: number;
}

export interface ServePlan {
  questions: number;
  temperature: number;
  rules: readonly string[];
  threads: number;
}

/** @returns by rule; those that the model has nothing for are left out */
export async function serveRules(file: string, plan: ServePlan) {
  const { questions, temperature, threads } = plan;
  const model = await openModel(file, { slots: 2, threads, hiddenOutput: true }, 'int8');
  const { engine, path, config } = model;
  try {
    const neighbours = await neighboursOf(path, engine.limits.vocabSize);
    const aids = { neighbours, judge: readJudge(path, config.hiddenSize) };
    const served: Record<string, Served> = {};
    for (const rule of ACCEPT_RULES.filter((name) => plan.rules.includes(name))) {
      const choice = chooseAccept(rule, aids);
      if (choice) served[rule] = await serve(model, choice, questions, temperature);
      else console.error(`${rule} is skipped: ${path} has no file for it (docs/acceptance.md)`);
    }
    return { model: model.name, served };
  } finally {
    engine.close();
  }
}

async function serve(
  model: OpenedModel,
  accept: AcceptChoice,
  questions: number,
  temperature: number,
): Promise<Served> {
  const { engine, stopIds } = model;
  const nucleus = new Nucleus(engine.limits.vocabSize);
  const decoder = new Decoder(withFreeNodes(engine), nucleus, countingClock());
  const sums = { tokens: 0, steps: 0, deviations: 0, right: 0, surprise: 0 };
  for (const [i, fact] of facts(questions, SEED).entries()) {
    const turn = turnOf({
      prompt: await model.promptOf(fact.prompt),
      namespace: accept.name,
      seed: [SEED, i],
      warp: { temperature, topK: 0, topP: 1 },
      maxTokens: TOKENS,
      budget: NODES,
      stopIds,
      accept,
      logprobs: 0,
    });
    const { tokens, steps, deviations, logprobs } = await decoder.decode(turn, new EchoDrafter());
    sums.tokens += tokens.length;
    sums.steps += steps;
    sums.deviations += deviations;
    sums.surprise -= logprobs.reduce((sum, one) => sum + one, 0);
    if (isRight(model.decode(tokens), fact)) sums.right++;
  }
  await decoder.close();
  return {
    mat: sums.tokens / sums.steps,
    deviating: sums.deviations / sums.tokens,
    right: sums.right / questions,
    perplexity: Math.exp(sums.surprise / sums.tokens),
  };
}
