/**
 * The same question asked with drafting on and off, in one sentence.
 *
 * @typedef {import('../stream/tally.js').Figures} Figures
 * @typedef {{ mode: import('../stream/types.d.ts').DraftingMode, text: string, figures: Figures }} Outcome
 */

/**
 * @param {Outcome} a
 * @param {Outcome} b the other mode
 */
export function compareOutcomes(a, b) {
  const [drafted, plain] = a.mode === 'on' ? [a, b] : [b, a];
  const same = drafted.text === plain.text;
  const text = same ? 'The same text' : 'The texts differ';
  const steps = `${drafted.figures.steps} steps with drafting, ${plain.figures.steps} without`;
  const speed = speedRatio(drafted.figures, plain.figures);
  return { same, sentence: speed ? `${text}: ${steps}, ${speed}.` : `${text}: ${steps}.` };
}

/** @param {Figures} drafted @param {Figures} plain */
function speedRatio(drafted, plain) {
  if (!drafted.tokensPerSecond || !plain.tokensPerSecond) return '';
  return `${(drafted.tokensPerSecond / plain.tokensPerSecond).toFixed(1)}× the tokens per second`;
}
