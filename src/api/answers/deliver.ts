/** How answers leave: whole or as a stream, given up when the client goes, and counted once they are over. */
import type { Context } from 'hono';
import type { Answer } from '../../generate/answer.ts';
import type { AppEnv } from '../context.ts';
import type { Streamed } from '../event-stream.ts';
import { observeAnswer } from '../instance/metrics.ts';
import { cancelAll } from './together.ts';

/** What a stream of them needs to know: who gives them up, and that they are over. */
export type Ending = Pick<Streamed, 'leave' | 'end'>;

/**
 * A client that leaves ends the turn. The request's signal says so, but a listener on it also
 * ends the request's I/O before the verifier could be told: a stream is better off without.
 * `wrangler dev` notices only what it writes to, so there a whole answer runs to its end.
 *
 * @param whole the answers as one object, where `stream` is false
 * @param streamed the answers as they grow, where it is true
 */
export async function deliver(
  c: Context<AppEnv>,
  answers: readonly Answer[],
  stream: boolean,
  whole: () => Promise<object>,
  streamed: (ending: Ending) => Response,
): Promise<Response> {
  const leave = () => cancelAll(answers);
  function end(): void {
    for (const answer of answers) {
      observeAnswer(c, answer);
      // Whole or not, it leaves what it may to later ones.
      c.executionCtx.waitUntil(answer.remember());
    }
  }
  if (stream) return streamed({ leave, end });
  const { signal } = c.req.raw;
  signal.addEventListener('abort', leave);
  if (signal.aborted) leave();
  return c.json(await whole().finally(end));
}
