/**
 * A text that grows, shown as Markdown with every token tinted by its source. Blocks
 * before the last are left alone, so that what a reader selects stays selected.
 *
 * @typedef {import('../stream/steps.js').PlacedToken} PlacedToken
 * @typedef {import('./markdown.js').Node} MarkdownNode
 * @typedef {{ placed: PlacedToken, start: number, end: number }} TokenRange
 */
import { familyOf } from '../sources.js';
import { copyOnClick } from './clipboard.js';
import { parseMarkdown } from './markdown.js';

export class RenderedText {
  #element;
  #text = '';
  /** @type {TokenRange[]} */
  #tokens = [];
  /** @type {{ end: number, element: HTMLElement }[]} */
  #shown = [];

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** @param {string} text */
  addPlain(text) {
    this.#text += text;
  }

  /** @param {readonly PlacedToken[]} tokens */
  addTokens(tokens) {
    for (const placed of tokens) {
      const start = this.#text.length;
      this.#text += placed.token.text;
      this.#tokens.push({ placed, start, end: this.#text.length });
    }
  }

  draw() {
    const blocks = parseMarkdown(this.#text);
    const same = blocks.findIndex((block, i) => block.end !== this.#shown[i]?.end);
    // The last block shown may have become another without growing.
    const kept = Math.max(0, Math.min(same < 0 ? blocks.length : same, this.#shown.length - 1));
    for (const { element } of this.#shown.splice(kept)) element.remove();
    for (const block of blocks.slice(kept)) {
      const element = /** @type {HTMLElement} */ (this.#render(block));
      this.#element.append(element);
      this.#shown.push({ end: block.end, element });
    }
  }

  /** @param {MarkdownNode} node @returns {Node} */
  #render(node) {
    if (!node.children) return this.#leaf(node.start, node.end);
    const element = document.createElement(node.tag);
    element.append(...node.children.map((child) => this.#render(child)));
    if (element instanceof HTMLAnchorElement && node.href) {
      element.href = node.href;
      element.rel = 'noopener noreferrer nofollow';
    }
    return node.tag === 'pre' ? this.#withCopy(element, node.children[0]) : element;
  }

  /** @param {HTMLElement} pre @param {MarkdownNode | undefined} code */
  #withCopy(pre, code) {
    const box = document.createElement('div');
    box.className = 'code';
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'quiet';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', 'Copy code');
    copyOnClick(button, () => this.#text.slice(code?.start, code?.end));
    box.append(pre, button);
    return box;
  }

  /** The tokens between two places, cut at both. @param {number} start @param {number} end */
  #leaf(start, end) {
    const nodes = document.createDocumentFragment();
    let at = start;
    for (let i = this.#firstBehind(start); i < this.#tokens.length && at < end; i++) {
      const one = /** @type {TokenRange} */ (this.#tokens[i]);
      if (one.start >= end) break;
      const to = Math.min(one.end, end);
      if (one.start > at) nodes.append(this.#text.slice(at, one.start));
      const from = Math.max(at, one.start);
      nodes.append(...tokenNodes(one.placed, this.#text.slice(from, to), from === one.start));
      at = to;
    }
    if (at < end) nodes.append(this.#text.slice(at, end));
    return nodes;
  }

  /** Index of the first token that ends behind `place`. O(log tokens). @param {number} place */
  #firstBehind(place) {
    let [low, high] = [0, this.#tokens.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const token = /** @type {TokenRange} */ (this.#tokens[middle]);
      if (token.end <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The blank before a step's first token stays outside its tint, so that runs of
 * different steps stand apart.
 *
 * @param {PlacedToken} placed
 * @param {string} shown of its text
 * @param {boolean} isBegin whether that is from its beginning on
 * @returns {(string | HTMLElement)[]}
 */
function tokenNodes({ token, step, stepIndex, opensStep }, shown, isBegin) {
  const opens = opensStep && isBegin;
  const text = opens ? shown.trimStart() : shown;
  const element = document.createElement('span');
  element.className = 'token';
  element.textContent = text;
  element.dataset.family = familyOf(token.source);
  element.dataset.source = token.source;
  if (opens) element.dataset.opens = 'step';
  element.title = step
    ? `${token.source} · step ${stepIndex + 1}: ${step.accepted} tokens, tree of ${step.drafted}, ${(step.micros / 1000).toFixed(1)} ms`
    : token.source;
  return [shown.slice(0, shown.length - text.length), element];
}
