/**
 * Speaks to screen readers at the ends of an answer. The answer itself is no live
 * region: read token by token it would never be understood.
 */
import { part } from '../parts.js';

/** Long enough to be picked up; then the copy leaves the reading order. */
const SPOKEN_MS = 10_000;

export class Announcer {
  #region = part(document, 'announcer');
  #clearing = 0;

  /** @param {string} text */
  say(text) {
    clearTimeout(this.#clearing);
    this.#region.textContent = text;
    this.#clearing = window.setTimeout(() => {
      this.#region.textContent = '';
    }, SPOKEN_MS);
  }
}
