/**
 * Markdown as models write it, cut into blocks and spans that know where in the text
 * they are, so that each token keeps its tint. It knows headings, lists, tables, code,
 * quotes, emphasis and links; all else is text. What is not closed yet is read as if it
 * were, since answers come in pieces. O(length). Nothing of the text becomes markup:
 * `render` makes elements and text nodes.
 *
 * @typedef {{ tag: string, start: number, end: number, children: Node[], href?: string }} Element
 * @typedef {{ tag: '', start: number, end: number, children?: undefined, href?: undefined }} Text
 * @typedef {Element | Text} Node
 * @typedef {{ text: string, start: number, end: number }} Line without its break
 */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+/;
const ITEM = /^([ \t]*)(?:[-*+]|(\d{1,9})[.)])[ \t]+/;
const QUOTE = /^ {0,3}> ?/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const DIVIDER = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
/** Lists and quotes in each other; what is deeper is text. */
const MAX_DEPTH = 8;
const SPAN =
  /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|(\*\*|__)(?=\S)([\s\S]*?\S)\3|(?<!\w)(\*|_)(?=\S)([^*_]*?[^\s*_])\5(?!\w)|\[([^\][]*)\]\((https?:\/\/[^\s()]+)\)/g;

/** @param {string} text @returns {Element[]} */
export function parseMarkdown(text) {
  /** @type {Line[]} */
  const lines = [];
  for (const { 0: line, index } of text.matchAll(/[^\n]*\n?/g)) {
    const bare = line.replace(/\r?\n$/, '');
    if (line !== '') lines.push({ text: bare, start: index, end: index + bare.length });
  }
  return blocksOf(text, lines, 0);
}

/** @param {string} text @param {Line[]} lines @param {number} depth @returns {Element[]} */
function blocksOf(text, lines, depth) {
  /** @type {Element[]} */
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    const line = /** @type {Line} */ (lines[at]);
    const { block, count } = blockAt(text, lines, at, line, depth);
    if (block) blocks.push(block);
    at += count;
  }
  return blocks;
}

/** @param {string} text @param {Line[]} lines @param {number} at @param {Line} line @param {number} depth @returns {{ block: Element | null, count: number }} */
function blockAt(text, lines, at, line, depth) {
  if (line.text.trim() === '') return { block: null, count: 1 };
  if (FENCE.test(line.text)) return fence(lines, at);
  const heading = HEADING.exec(line.text);
  if (heading) {
    const start = line.start + heading[0].length;
    const tag = `h${Math.min(6, /** @type {string} */ (heading[1]).length + 2)}`;
    return { block: element(tag, line.start, line.end, spans(text, start, line.end)), count: 1 };
  }
  if (RULE.test(line.text)) return { block: element('hr', line.start, line.end, []), count: 1 };
  if (
    line.text.includes('|') &&
    DIVIDER.test(lines[at + 1]?.text ?? '') &&
    lines[at + 1]?.text.includes('|')
  ) {
    return table(text, lines, at);
  }
  const nests = depth < MAX_DEPTH;
  if (nests && QUOTE.test(line.text)) {
    const count = run(lines, at, (one) => QUOTE.test(one.text));
    const inner = lines.slice(at, at + count).map((one) => cutLine(one, QUOTE));
    return {
      block: element(
        'blockquote',
        line.start,
        endOf(lines, at, count),
        blocksOf(text, inner, depth + 1),
      ),
      count,
    };
  }
  if (nests && ITEM.test(line.text)) return list(text, lines, at, depth);
  const count = 1 + run(lines, at + 1, (one) => one.text.trim() !== '' && !begins(one.text));
  return { block: paragraph(text, lines.slice(at, at + count)), count };
}

/** Lines without what a quote or a list has before each. @param {string} text @param {Line[]} lines */
function paragraph(text, lines) {
  const start = /** @type {Line} */ (lines[0]).start;
  const end = endOf(lines, 0, lines.length);
  const isWhole = lines.every(
    (line, i) => i === 0 || !/[^\r\n]/.test(text.slice(endOf(lines, 0, i), line.start)),
  );
  if (isWhole) return element('p', start, end, spans(text, start, end));
  const children = lines.flatMap((line, i) => {
    const before = i === 0 ? line.start : endOf(lines, 0, i);
    /** @type {Node[]} */
    const gap = i === 0 ? [] : [{ tag: '', start: before, end: before + 1 }];
    return [...gap, ...spans(text, line.start, line.end)];
  });
  return element('p', start, end, children);
}

/** Whether a line begins another block than a paragraph. @param {string} text */
function begins(text) {
  return [FENCE, HEADING, ITEM, QUOTE].some((one) => one.test(text));
}

/** @param {Line[]} lines @param {number} at */
function fence(lines, at) {
  const open = /** @type {Line} */ (lines[at]);
  const mark = /** @type {string} */ (FENCE.exec(open.text)?.[1]);
  const body = run(lines, at + 1, (one) => one.text.trim() !== mark);
  const start = lines[at + 1]?.start ?? open.end;
  const end = body > 0 ? endOf(lines, at + 1, body) : start;
  const closed = at + 1 + body < lines.length;
  const count = 1 + body + (closed ? 1 : 0);
  const code = element('code', start, end, [{ tag: '', start, end }]);
  return { block: element('pre', open.start, endOf(lines, at, count), [code]), count };
}

/** Items at the first one's depth; what is deeper is theirs. @param {string} text @param {Line[]} lines @param {number} at @param {number} depthOfBlocks */
function list(text, lines, at, depthOfBlocks) {
  const first = /** @type {Line} */ (lines[at]);
  const match = /** @type {RegExpExecArray} */ (ITEM.exec(first.text));
  const depth = /** @type {string} */ (match[1]).length;
  const count = run(lines, at, (one, i) => {
    const item = ITEM.exec(one.text);
    if (item) return /** @type {string} */ (item[1]).length >= depth;
    const deeper = /^[ \t]{2,}\S/.test(one.text);
    const blank = one.text.trim() === '' && ITEM.test(lines[i + 1]?.text ?? '');
    return (
      deeper ||
      blank ||
      (one.text.trim() !== '' && lines[i - 1]?.text.trim() !== '' && !begins(one.text))
    );
  });
  /** @type {Element[]} */
  const items = [];
  for (let i = at; i < at + count; ) {
    const own =
      1 +
      run(lines.slice(0, at + count), i + 1, (one) => {
        const item = ITEM.exec(one.text);
        return !item || /** @type {string} */ (item[1]).length > depth;
      });
    const begin = /** @type {Line} */ (lines[i]);
    const inner = [
      cutLine(begin, ITEM),
      ...lines.slice(i + 1, i + own).map((one) => cutLine(one, /^[ \t]{0,4}/)),
    ];
    const children = blocksOf(text, inner, depthOfBlocks + 1);
    // One paragraph needs no paragraph's space.
    const [lead, ...rest] = children;
    items.push(
      element(
        'li',
        begin.start,
        endOf(lines, i, own),
        lead?.tag === 'p' ? [...lead.children, ...rest] : children,
      ),
    );
    i += own;
  }
  const tag = match[2] === undefined ? 'ul' : 'ol';
  return { block: element(tag, first.start, endOf(lines, at, count), items), count };
}

/** @param {string} text @param {Line[]} lines @param {number} at */
function table(text, lines, at) {
  const count = 2 + run(lines, at + 2, (one) => one.text.includes('|'));
  /** @param {Line} line @param {string} tag */
  const row = (line, tag) => element('tr', line.start, line.end, cells(text, line, tag));
  const first = /** @type {Line} */ (lines[at]);
  const body = lines.slice(at + 2, at + count).map((line) => row(line, 'td'));
  const end = endOf(lines, at, count);
  return { block: element('table', first.start, end, [row(first, 'th'), ...body]), count };
}

/** @param {string} text @param {Line} line @param {string} tag */
function cells(text, line, tag) {
  const outer = /^[ \t]*\|?|\|?[ \t]*$/g;
  const inner = line.text.replace(outer, (found) => ' '.repeat(found.length));
  let start = line.start;
  return inner.split('|').map((cell) => {
    const from = start + cell.length - cell.trimStart().length;
    const to = Math.max(from, start + cell.trimEnd().length);
    start += cell.length + 1;
    return element(tag, from, to, spans(text, from, to));
  });
}

/** Emphasis, code and links between two places. @param {string} text @param {number} start @param {number} end @returns {Node[]} */
function spans(text, start, end) {
  /** @type {Node[]} */
  const nodes = [];
  let at = start;
  for (const match of text.slice(start, end).matchAll(SPAN)) {
    const from = start + match.index;
    const to = from + match[0].length;
    if (from > at) nodes.push({ tag: '', start: at, end: from });
    nodes.push(span(text, match, from, to));
    at = to;
  }
  if (at < end) nodes.push({ tag: '', start: at, end });
  return nodes;
}

/** @param {string} text @param {RegExpExecArray} match @param {number} from @param {number} to @returns {Element} */
function span(text, match, from, to) {
  const [, ticks, , strong, , weak, , label, href] = match;
  if (href !== undefined) {
    const start = from + 1;
    return { ...element('a', from, to, spans(text, start, start + (label ?? '').length)), href };
  }
  const mark = (ticks ?? strong ?? weak ?? '').length;
  const [start, end] = [from + mark, to - mark];
  if (ticks !== undefined) return element('code', from, to, [{ tag: '', start, end }]);
  return element(strong === undefined ? 'em' : 'strong', from, to, spans(text, start, end));
}

/** @param {string} tag @param {number} start @param {number} end @param {Node[]} children @returns {Element} */
function element(tag, start, end, children) {
  return { tag, start, end, children };
}

/** @param {Line} line @param {RegExp} lead @returns {Line} */
function cutLine({ text, start, end }, lead) {
  const length = lead.exec(text)?.[0].length ?? 0;
  return { text: text.slice(length), start: start + length, end };
}

/** How many lines from `at` on are such. @param {Line[]} lines @param {number} at @param {(line: Line, index: number) => boolean} is */
function run(lines, at, is) {
  let count = 0;
  while (at + count < lines.length && is(/** @type {Line} */ (lines[at + count]), at + count))
    count++;
  return count;
}

/** @param {Line[]} lines @param {number} at @param {number} count */
function endOf(lines, at, count) {
  return /** @type {Line} */ (lines[at + count - 1]).end;
}
