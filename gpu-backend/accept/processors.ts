/**
 * The processors of a turn, in the order in which they act: first what makes
 * another distribution of the target's, then what the request adds and takes
 * off. The grammar comes last, since what it rules out nothing may bring back.
 * Temperature, top-k and top-p act on what they leave.
 */
import type { DrawSettings } from './draw-settings.ts';
import { GrammarMask } from './grammar-mask.ts';
import { LogitBias } from './logit-bias.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { Penalties } from './penalties.ts';
import { RepetitionPenalty } from './repetition.ts';
import { Transfer } from './transfer.ts';

export interface Processors {
  all: readonly LogitsProcessor[];
  /** One of them, where the turn asks for it. */
  transfer: Transfer | null;
}

/** They have received the answer so far, where the turn continues from elsewhere. */
export function processorsOf(turn: DrawSettings): Processors {
  const { prompt, resumed, warp, repetition, penalties, bias, grammar } = turn;
  const asked = prompt.length - resumed;
  const transfer = turn.transfer > 0 ? new Transfer(turn.transfer, warp.temperature, asked) : null;
  const all: LogitsProcessor[] = [];
  if (transfer) all.push(transfer);
  // It scales the target's own logits: before anything is added to them.
  if (repetition !== 1) all.push(new RepetitionPenalty(repetition, prompt.subarray(0, asked)));
  if (penalties) all.push(new Penalties(penalties.frequency, penalties.presence));
  if (bias.length > 0) all.push(new LogitBias(bias));
  if (grammar) all.push(new GrammarMask(grammar));
  for (const processor of all) {
    for (let at = asked; at < prompt.length; at++) processor.advance(prompt[at]!);
  }
  return { all, transfer };
}
