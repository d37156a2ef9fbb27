/**
 * One bar per verification step, one cell per token it committed, in the colour
 * of its source. The picture of what drafting does: without it every bar is one
 * cell high.
 */
import { part } from '../parts.js';
import { familyOf } from '../sources.js';

/** @typedef {import('../stream/steps.js').PlacedToken} PlacedToken */

/** Bars that fit a narrow phone at full width; with more they get thinner. */
const MAX_WIDE_BARS = 48;

/** Bars that fit it at their thinnest; older ones give way. */
const MAX_BARS = 96;

/** The height that a strip starts with, in cells, so that early bars do not jump. */
const MIN_SCALE = 6;

export class Strip {
  #element;
  #latestOnly;
  /** @type {HTMLElement | null} */
  #bar = null;
  #barStep = -1;
  #tallest = MIN_SCALE;

  /** @param {HTMLElement} root holds the parts `strip` and `strip-latest` */
  constructor(root) {
    this.#element = part(root, 'strip');
    this.#latestOnly = part(root, 'strip-latest');
    this.#element.style.setProperty('--tallest', String(MIN_SCALE));
  }

  /** @param {readonly PlacedToken[]} tokens */
  add(tokens) {
    for (const { token, step, stepIndex } of tokens) {
      if (!step) continue;
      if (stepIndex !== this.#barStep || !this.#bar) this.#bar = this.#addBar(stepIndex);
      const cell = document.createElement('i');
      cell.dataset.family = familyOf(token.source);
      this.#bar.append(cell);
      this.#grow(this.#bar.childElementCount);
    }
  }

  /** @param {string} summary what someone who can't see the bars should know */
  describe(summary) {
    this.#element.setAttribute('aria-label', summary);
  }

  /** @param {number} stepIndex */
  #addBar(stepIndex) {
    const bar = document.createElement('span');
    this.#barStep = stepIndex;
    this.#element.append(bar);
    this.#element.toggleAttribute('data-dense', this.#element.childElementCount > MAX_WIDE_BARS);
    if (this.#element.childElementCount > MAX_BARS) {
      this.#element.firstElementChild?.remove();
      this.#latestOnly.hidden = false;
    }
    return bar;
  }

  /** @param {number} height in cells */
  #grow(height) {
    if (height <= this.#tallest) return;
    this.#tallest = height;
    this.#element.style.setProperty('--tallest', String(height));
  }
}
