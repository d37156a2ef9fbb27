/**
 * The same question asked with drafting on and off, in one sentence.
 *
 * @typedef {import('../stream/tally.js').Figures} Figures
 * @typedef {{ mode: import('../stream/types.d.ts').DraftingMode, text: string, figures: Figures }} Outcome
 */

/**
 * `ratio`: tokens per second with drafting over those without, null where either has none.
 *
 * @param {Outcome} a
 * @param {Outcome} b the other mode
 */
export function compareOutcomes(a, b) {
  const [drafted, plain] = a.mode === 'on' ? [a, b] : [b, a];
  const same = drafted.text === plain.text;
  const text = same ? 'The same text' : 'The texts differ';
  const steps = `${drafted.figures.steps} steps with drafting, ${plain.figures.steps} without`;
  const ratio = speedRatio(drafted.figures, plain.figures);
  const speed = ratio === null ? '' : `, ${formatRatio(ratio)} the tokens per second`;
  return { same, ratio, sentence: `${text}: ${steps}${speed}.` };
}

/** @param {number} ratio */
export function formatRatio(ratio) {
  return `${ratio.toFixed(1)}×`;
}

/** @param {Figures} drafted @param {Figures} plain */
function speedRatio(drafted, plain) {
  if (!drafted.tokensPerSecond || !plain.tokensPerSecond) return null;
  return drafted.tokensPerSecond / plain.tokensPerSecond;
}
