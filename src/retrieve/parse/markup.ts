/**
 * HTML and XML as events, in slices. It drives htmlparser2's tokenizer: the
 * parser above it keeps every open element in an array that it searches and
 * shifts, which is quadratic in a document's depth.
 */
import { QuoteType, Tokenizer } from 'htmlparser2';
import { SLICE } from './slices.ts';

export interface MarkupEvents {
  open(name: string, attributes: ReadonlyMap<string, string>): void;
  close(name: string): void;
  text(text: string): void;
  comment?(text: string): void;
}

/** Attributes of one element that are read. */
const MAX_ATTRIBUTES = 256;

/** Names of HTML come in lower case. A void or self-closed element closes at once. */
export function* readMarkup(
  source: string,
  language: 'html' | 'xml',
  events: MarkupEvents,
): Generator<void, void> {
  const reader = new TokenReader(source, language, events);
  const tokenizer = new Tokenizer({ xmlMode: language === 'xml', decodeEntities: true }, reader);
  for (let at = 0; at < source.length; at += SLICE) {
    tokenizer.write(source.slice(at, at + SLICE));
    yield;
  }
  tokenizer.end();
  const { unread } = reader;
  for (let at = 0; at < unread.length; at += SLICE) {
    events.text(unread.slice(at, at + SLICE));
    yield;
  }
}

const VOID_ELEMENTS = new Set(
  'area base br col embed hr img input link meta param source track wbr'.split(' '),
);

/** Offsets that the tokenizer gives are the source's. */
class TokenReader {
  private readonly source: string;
  private readonly isHtml: boolean;
  private readonly events: MarkupEvents;
  private name = '';
  private attributes = new Map<string, string>();
  private attribute = '';
  private value = '';
  /** End of the last event in the source. */
  private read = 0;

  constructor(source: string, language: 'html' | 'xml', events: MarkupEvents) {
    this.source = source;
    this.isHtml = language === 'html';
    this.events = events;
  }

  ontext(start: number, end: number): void {
    this.read = end;
    this.events.text(this.source.slice(start, end));
  }

  ontextentity(codePoint: number, end: number): void {
    this.read = end;
    this.events.text(String.fromCodePoint(codePoint));
  }

  oncdata(start: number, end: number, offset: number): void {
    this.read = end + 1;
    this.events.text(this.source.slice(start, end - offset));
  }

  oncomment(start: number, end: number, offset: number): void {
    this.read = end + 1;
    this.events.comment?.(this.source.slice(start, end - offset));
  }

  ondeclaration(_start: number, end: number): void {
    this.read = end + 1;
  }

  onprocessinginstruction(_start: number, end: number): void {
    this.read = end + 1;
  }

  onopentagname(start: number, end: number): void {
    this.name = this.nameAt(start, end);
    this.attributes = new Map();
  }

  onattribname(start: number, end: number): void {
    this.attribute = this.nameAt(start, end);
    this.value = '';
  }

  onattribdata(start: number, end: number): void {
    this.value += this.source.slice(start, end);
  }

  onattribentity(codePoint: number): void {
    this.value += String.fromCodePoint(codePoint);
  }

  onattribend(quote: QuoteType): void {
    if (this.attributes.size < MAX_ATTRIBUTES && !this.attributes.has(this.attribute)) {
      this.attributes.set(this.attribute, quote === QuoteType.NoValue ? '' : this.value);
    }
  }

  onopentagend(end: number): void {
    this.read = end + 1;
    this.endTag(this.isHtml && VOID_ELEMENTS.has(this.name));
  }

  onselfclosingtag(end: number): void {
    this.read = end + 1;
    this.endTag(!this.isHtml || VOID_ELEMENTS.has(this.name));
  }

  onclosetag(start: number, end: number): void {
    this.read = end + 1;
    const name = this.nameAt(start, end);
    // HTML reads `</br>` as a line break.
    if (name === 'br' && this.isHtml) this.events.open(name, new Map());
    if (!this.isHtml || !VOID_ELEMENTS.has(name)) this.events.close(name);
  }

  onend(): void {}

  /** A tag in which the source breaks off is no tag: its characters are text. */
  get unread(): string {
    const rest = this.source.slice(this.read);
    return rest.startsWith('<') ? rest : '';
  }

  private endTag(isEmpty: boolean): void {
    this.events.open(this.name, this.attributes);
    if (isEmpty && !VOID_ELEMENTS.has(this.name)) this.events.close(this.name);
  }

  private nameAt(start: number, end: number): string {
    const name = this.source.slice(start, end);
    return this.isHtml ? name.toLowerCase() : name;
  }
}
