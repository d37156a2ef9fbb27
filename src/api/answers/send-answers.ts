/** How answers leave: whole or as a stream, given up when the client goes, and counted once they are over. */
import type { Context } from 'hono';
import type { Answer } from '../../generate/answer.ts';
import type { AppEnv } from '../context.ts';
import { observeAnswer } from '../middleware/observe.ts';
import type { Streamed } from './event-stream.ts';
import { answerFailure, grammarPath } from './failure.ts';
import type { FieldPaths } from './field-paths.ts';
import { cancelAll } from './read-all.ts';

/** What a stream of answers is sent with: who gives them up, that they are over, and what their failures are called. */
type AnswerStream = Pick<Streamed, 'leave' | 'end' | 'failure'>;

/** The two ways to send a request's answers. */
interface AnswerForms {
  /** As one object. */
  whole(): Promise<object>;
  /** As events, while they grow. */
  streamed(stream: AnswerStream): Response;
}

/**
 * A client that leaves ends the answers. The request's signal says so, but a
 * listener on it also ends the request's I/O before the verifier hears of it: a
 * stream is better off without. `wrangler dev` notices only what it writes to; of a
 * whole answer's client `clientLeft` says so there.
 */
export async function sendAnswers(
  c: Context<AppEnv>,
  answers: readonly Answer[],
  paths: FieldPaths,
  isStream: boolean,
  { whole, streamed }: AnswerForms,
): Promise<Response> {
  const leave = () => cancelAll(answers);
  const failure = (error: unknown) => answerFailure(error, paths);
  function end(): void {
    for (const answer of answers) {
      observeAnswer(c, answer);
      c.executionCtx.waitUntil(answer.remember());
    }
  }
  nameUnenforced(c, answers, paths);
  if (isStream) return streamed({ leave, end, failure });
  for (const signal of [c.req.raw.signal, c.var.clientLeft]) {
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
  }
  try {
    return c.json(await whole());
  } catch (error) {
    throw failure(error);
  } finally {
    end();
  }
}

/** Keywords of schemas in the header; a client has no use for more. */
const MAX_NAMED = 20;

/** Names the keywords of the request's JSON Schemas that its answers are not held to. */
function nameUnenforced(c: Context<AppEnv>, [first]: readonly Answer[], paths: FieldPaths): void {
  const places = (first?.unenforced ?? []).map((path) => grammarPath(path, paths).join('.'));
  if (places.length === 0) return;
  const named = [...new Set(places)].slice(0, MAX_NAMED).map(encodeURI);
  c.header('x-espalier-not-enforced', named.join(', '));
}
