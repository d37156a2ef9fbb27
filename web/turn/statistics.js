/**
 * The figures of one answer, as a description list.
 *
 * @typedef {import('../stream/tally.js').Figures} Figures
 */
import { part } from '../parts.js';
import { formatRatio } from './comparison.js';

const NOTHING_YET = '–';

export class Statistics {
  #list;

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {Figures} figures */
  show(figures) {
    this.#set('share-drafted', figures.shareDrafted, (share) => `${Math.round(100 * share)} %`);
    this.#set('mean-accepted', figures.meanAccepted, (mean) => mean.toFixed(2));
    this.#set('tokens-per-second', figures.tokensPerSecond, (rate) => rate.toFixed(0));
    this.#set('first-token', figures.firstTokenMs, formatDuration);
    this.#set('tokens', figures.tokens, String);
    this.#set('steps', figures.steps, String);
    this.#set('drafted', figures.drafted, String);
  }

  /** @param {number | null} ratio tokens per second with drafting over those without */
  showAgainstPlain(ratio) {
    this.#set('against-plain', ratio, formatRatio);
  }

  /**
   * @param {string} name
   * @param {number | null} value
   * @param {(value: number) => string} format
   */
  #set(name, value, format) {
    part(this.#list, name).textContent = value === null ? NOTHING_YET : format(value);
  }
}

/** @param {number} ms */
function formatDuration(ms) {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
