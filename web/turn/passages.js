/** The passages that went into the prompt, and what the answer took from them. */
import { fromTemplate, part } from '../parts.js';
import { findQuotes } from './quote.js';

/**
 * @typedef {import('../stream/types.d.ts').Passage} Passage
 * @typedef {import('./quote.js').Range} Range
 */

export class PassageList {
  #section;
  #list;
  /** @type {{ passage: Passage, details: HTMLDetailsElement }[]} */
  #shown = [];

  /** @param {HTMLElement} root holds the parts `passages` and `passage-list` */
  constructor(root) {
    this.#section = part(root, 'passages');
    this.#list = part(root, 'passage-list');
  }

  /** @param {readonly Passage[]} passages */
  show(passages) {
    this.#section.hidden = false;
    part(this.#section, 'no-passages').hidden = passages.length > 0;
    for (const passage of passages) {
      const item = fromTemplate('passage');
      part(item, 'number').textContent = String(passage.index);
      part(item, 'title').textContent = passage.title || passage.filename;
      part(item, 'heading').textContent = passage.heading === passage.title ? '' : passage.heading;
      part(item, 'file').textContent = passage.filename;
      part(item, 'text').textContent = passage.text;
      this.#list.append(item);
      this.#shown.push({ passage, details: part(item, 'passage', HTMLDetailsElement) });
    }
  }

  /**
   * Marks what the answer quotes and opens the passage it quotes most.
   *
   * @param {string} answer
   */
  markQuotes(answer) {
    let most = 0;
    /** @type {HTMLDetailsElement | null} */
    let source = null;
    for (const { passage, details } of this.#shown) {
      const quotes = findQuotes(answer, passage.text);
      if (quotes.length === 0) continue;
      part(details, 'text').replaceChildren(...withMarks(passage.text, quotes));
      part(details, 'quoted').hidden = false;
      const quoted = quotes.reduce((sum, quote) => sum + quote.end - quote.start, 0);
      if (quoted > most) {
        most = quoted;
        source = details;
      }
    }
    if (source) source.open = true;
  }
}

/** @param {string} text @param {readonly Range[]} quotes ascending */
function withMarks(text, quotes) {
  /** @type {(string | HTMLElement)[]} */
  const pieces = [];
  let at = 0;
  for (const { start, end } of quotes) {
    const mark = document.createElement('mark');
    mark.textContent = text.slice(start, end);
    pieces.push(text.slice(at, start), mark);
    at = end;
  }
  pieces.push(text.slice(at));
  return pieces;
}
