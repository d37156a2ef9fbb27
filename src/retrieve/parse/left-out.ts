/** The report to a file's owner of what its passages don't have. */
import type { LeftOut } from './document.ts';

/** Named in a notice; of the others, only how many. */
const MAX_NAMED = 5;
/** Of a name and of a reason. */
const MAX_NAME = 120;
const MAX_REASON = 300;

/** One sentence, or null where nothing was left out. */
export function noticeOf(leftOut: readonly LeftOut[]): string | null {
  if (leftOut.length === 0) return null;
  const named = leftOut
    .slice(0, MAX_NAMED)
    .map(({ name, reason }) => `${shortened(name, MAX_NAME)} (${shortened(reason, MAX_REASON)})`);
  const more = leftOut.length > MAX_NAMED ? ` and ${leftOut.length - MAX_NAMED} more` : '';
  return `left out: ${named.join('; ')}${more}`;
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most).toWellFormed()}…` : text;
}
