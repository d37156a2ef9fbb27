/**
 * Which colour is which source, with its share of the answer. Choosing an entry
 * leaves only that source tinted, which also serves eyes that can't tell two of
 * the colours apart.
 */

import { fromTemplate, part } from '../parts.js';
import { countFamilies, FAMILIES } from '../sources.js';

export class Legend {
  #list;
  #shares;
  #answer;
  /** @type {Map<string, { entry: HTMLElement, share: HTMLElement, count: HTMLElement, percent: HTMLElement }>} */
  #rows = new Map();

  /**
   * @param {HTMLElement} root holds the parts `legend` and `shares`
   * @param {HTMLElement} answer whose tokens an entry isolates
   */
  constructor(root, answer) {
    this.#list = part(root, 'legend');
    this.#shares = part(root, 'shares');
    this.#answer = answer;
    for (const family of FAMILIES) this.#addRow(family);
  }

  /** @param {Readonly<Record<string, number>>} bySource */
  update(bySource) {
    const counts = countFamilies(bySource);
    let total = 0;
    for (const count of counts.values()) total += count;
    for (const [id, row] of this.#rows) {
      const count = counts.get(id) ?? 0;
      row.entry.hidden = count === 0;
      row.share.hidden = count === 0;
      row.share.style.flexGrow = String(count);
      row.count.textContent = String(count);
      row.percent.textContent = total > 0 ? `${Math.round((100 * count) / total)}%` : '';
    }
  }

  /** @param {import('../sources.js').Family} family */
  #addRow(family) {
    const entry = fromTemplate('legend-entry');
    const button = part(entry, 'isolate', HTMLButtonElement);
    button.dataset.family = family.id;
    button.title = family.meaning;
    part(entry, 'label').textContent = family.label;
    button.addEventListener('click', () => this.#isolate(family.id));
    const share = document.createElement('i');
    share.dataset.family = family.id;
    share.hidden = true;
    this.#shares.append(share);
    this.#list.append(entry);
    const count = part(entry, 'count');
    this.#rows.set(family.id, { entry, share, count, percent: part(entry, 'percent') });
  }

  /** @param {string} id isolated, or no longer if it was */
  #isolate(id) {
    const only = this.#answer.dataset.only === id ? '' : id;
    this.#answer.dataset.only = only;
    for (const [other, { entry }] of this.#rows) {
      part(entry, 'isolate').setAttribute('aria-pressed', String(other === only));
    }
  }
}
