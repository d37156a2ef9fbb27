/**
 * HTML tags and components in Markdown. Much that is in angle brackets is
 * text (`List<Item>`, `<your-name>`): only what is surely markup is read as a tag.
 */
import type { Page } from './page.ts';

export interface Tag {
  /** In the source, after the tag. */
  end: number;
  /** In its place: an image's description, or a space where the element parts words. */
  text: string;
}

/** Of a tag in the source, over as many lines as it takes. */
const MAX_TAG = 4_000;
/** Of `{…}` in each other, in a component's attribute. */
const MAX_BRACES = 16;

const INLINE = new Set(
  `a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark q rp rt ruby s samp
  small span strike strong sub sup time tt u var wbr`.split(/\s+/),
);
const BLOCK = new Set(
  `address area article aside audio base blockquote body br button canvas caption center col
  colgroup dd details dialog div dl dt embed fieldset figcaption figure footer form h1 h2 h3 h4 h5
  h6 head header hr html iframe img input legend li link main map menu meta meter nav noscript
  object ol optgroup option output p param picture pre progress script section select slot source
  style summary svg table tbody td template textarea tfoot th thead title tr track ul video
  g path circle rect line polyline polygon ellipse defs use symbol text tspan`.split(/\s+/),
);
/** Elements that need no end tag. */
const ENDLESS = new Set(
  `area base br col colgroup dd dt embed hr img input li link meta option p param source tbody td
  tfoot th thead tr track wbr`.split(/\s+/),
);
/** Attributes without a value. */
const BOOLEAN = new Set(
  `allowfullscreen async autofocus autoplay checked controls default defer disabled hidden inert
  ismap loop multiple muted nomodule noshade novalidate nowrap open playsinline readonly required
  reversed selected`.split(/\s+/),
);

const NAME = /<(\/?)([A-Za-z][\w.:-]*)/y;
const ATTRIBUTE = /\s+([^\s"'<>/={}]+)(\s*=\s*)?|\s*(\{)/y;
const VALUE = /"([^"]*)"|'([^']*)'|([^\s"'<>`={}]+)/y;
const END = /\s*(\/?)>/y;

/** The tag that begins at `at`; null where the bracket is text. Looks `MAX_TAG` characters ahead at most. */
export function readTag(page: Page, at: number): Tag | null {
  const source = page.source.slice(at, at + MAX_TAG);
  const opened = match(NAME, source, 0);
  if (!opened) return null;
  const [whole, slash, name] = opened;
  const element = name!.toLowerCase();
  const isElement = INLINE.has(element) || BLOCK.has(element);
  const attributes = readAttributes(source, whole!.length, isElement);
  const ended = attributes && match(END, source, attributes.end);
  if (!ended || (slash !== '' && attributes.end > whole!.length)) return null;
  const hasEnd = slash !== '' || ended[1] !== '' || ENDLESS.has(element) || page.closes(name!);
  if (isElement ? !hasEnd : !isComponent(page, at, name!, hasEnd)) return null;
  const parts = BLOCK.has(element) ? ' ' : '';
  return {
    end: at + attributes.end + ended[0].length,
    text: attributes.alt === '' ? parts : ` ${attributes.alt} `,
  };
}

/** Components have a capital or, as custom elements, a hyphen, and an end. */
function isComponent(page: Page, at: number, name: string, hasEnd: boolean): boolean {
  const isNamed = /^[A-Z]|-/.test(name);
  if (page.isMdx && isNamed) return true;
  // Behind a letter it is a type's parameter.
  const before = page.source[at - 1] ?? ' ';
  return isNamed && hasEnd && !/[\p{L}\p{N}_]/u.test(before);
}

function readAttributes(source: string, from: number, isElement: boolean) {
  let alt = '';
  for (let at = from; ; ) {
    const attribute = match(ATTRIBUTE, source, at);
    if (!attribute) return { end: at, alt };
    const [whole, name, equals, brace] = attribute;
    at += whole!.length;
    if (brace) {
      // Only components are given what an expression says.
      if (isElement) return null;
      at = afterBraces(source, at - 1);
    } else if (equals) {
      const value = match(VALUE, source, at);
      if (value) {
        at += value[0].length;
        if (name!.toLowerCase() === 'alt') alt = value[1] ?? value[2] ?? value[3]!;
      } else {
        at = afterBraces(source, at);
      }
    } else if (isElement && !BOOLEAN.has(name!.toLowerCase()) && !/^(?:data|aria)-/.test(name!)) {
      return null;
    }
    if (at < 0) return null;
  }
}

/** Behind the braces that open at `at`; -1 where none open or they don't close. */
function afterBraces(source: string, at: number): number {
  let depth = 0;
  for (let end = at; end < source.length; end++) {
    if (source[end] === '{' && ++depth > MAX_BRACES) return -1;
    if (source[end] === '}' && --depth === 0) return end + 1;
    if (depth === 0) return -1;
  }
  return -1;
}

function match(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}
