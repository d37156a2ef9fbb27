/** A document's body: paragraphs by their style, lists by their numbering, tables, notes after what refers to them. */
import type { DocumentBuilder } from '../builder.ts';
import { Flow, MAX_PARAGRAPH } from '../flow.ts';
import type { MarkupEvents } from '../markup.ts';
import { cutOf } from '../slices.ts';
import { attribute, localName } from './names.ts';
import type { NoteKind, NotesReader } from './notes.ts';
import { levelOf, type Numbering } from './numbering.ts';
import { RunText } from './run-text.ts';
import type { Styles } from './styles.ts';

const REFERENCES: Readonly<Record<string, NoteKind>> = {
  footnoteReference: 'footnotes',
  endnoteReference: 'endnotes',
  commentReference: 'comments',
};

export class BodyReader implements MarkupEvents {
  private readonly flow: Flow;
  private readonly styles: Styles;
  private readonly numbering: Numbering;
  private readonly notes: NotesReader;
  private readonly run = new RunText();
  /** Open paragraphs: those of a text box are in the paragraph that it hangs on. */
  private depth = 0;
  private boxes: string[] = [];
  private outer = '';
  private style = '';
  private list = '';
  private level = 0;
  private outline = '';
  private footnotes = 0;
  /** Notes that wait for the end of their block. */
  private waiting: string[] = [];

  constructor(builder: DocumentBuilder, styles: Styles, numbering: Numbering, notes: NotesReader) {
    this.flow = new Flow(builder);
    this.styles = styles;
    this.numbering = numbering;
    this.notes = notes;
  }

  /** Descriptions of pictures that were too long. */
  get leftOut(): number {
    return this.run.leftOut;
  }

  open(qualified: string, attributes: ReadonlyMap<string, string>): void {
    this.read(localName(qualified), attributes);
    this.tellBegun();
  }

  private read(name: string, attributes: ReadonlyMap<string, string>): void {
    const value = attribute(attributes, 'val') ?? '';
    if (this.run.isSkipping) this.run.open(name, attributes);
    else if (name === 'p') this.openParagraph();
    else if (this.depth > 1) this.openInBox(name, attributes);
    else if (name === 'pStyle') this.style = value;
    else if (name === 'numId') this.list = value;
    else if (name === 'ilvl') this.level = levelOf(value);
    else if (name === 'outlineLvl') this.outline = value;
    else if (Object.hasOwn(REFERENCES, name)) this.refer(REFERENCES[name]!, attributes);
    else if (this.depth > 0) this.run.open(name, attributes);
    else if (name === 'tbl') this.flow.tables.open();
    else if (name === 'tr') this.flow.tables.openRow();
    else if (name === 'tc') this.flow.tables.openCell(false);
    else this.run.open(name, attributes);
  }

  close(qualified: string): void {
    const name = localName(qualified);
    if (this.run.isSkipping) this.run.close(name);
    else if (name === 'p') this.closeParagraph();
    else if (this.depth > 0) this.run.close(name);
    else if (name === 'tbl') this.closeTable();
    else if (name === 'tr') this.flow.tables.closeRow();
    else if (name === 'tc') this.flow.tables.closeCell();
    else this.run.close(name);
  }

  text(text: string): void {
    this.run.add(text);
    this.tellBegun();
  }

  /** In slices, as there may be megabytes of notes. */
  *finish(): Generator<void, void> {
    while (this.depth > 0) this.closeParagraph();
    this.flow.tables.unwrap();
    this.flow.endBlock();
    let told = 0;
    for (const note of this.notes.rest()) {
      this.tellPlain(note);
      told += note.length + 1;
      if (told < MAX_PARAGRAPH) continue;
      yield;
      told = 0;
    }
    this.tellNotes();
  }

  /** A paragraph that is too long for a block is told while it is read; what follows is plain text. */
  private tellBegun(): void {
    if (this.depth !== 1 || this.run.text.length < MAX_PARAGRAPH) return;
    const text = this.outer + this.run.take();
    const cut = cutOf(text);
    this.outer = '';
    this.tellParagraph(text.slice(0, cut));
    this.style = '';
    this.list = '';
    this.outline = '';
    this.run.text = text.slice(cut);
  }

  private openParagraph(): void {
    if (this.depth++ > 0) {
      if (this.depth === 2) this.outer += this.run.take();
      else this.run.text += ' ';
      return;
    }
    this.style = '';
    this.list = '';
    this.level = 0;
    this.outline = '';
  }

  private openInBox(name: string, attributes: ReadonlyMap<string, string>): void {
    if (name === 'tc') this.run.text += ' ';
    else this.run.open(name, attributes);
  }

  private closeParagraph(): void {
    if (this.depth > 0) this.depth--;
    if (this.depth === 1) this.boxes.push(this.run.take());
    if (this.depth > 0) return;
    const text = this.outer + this.run.take();
    this.outer = '';
    this.tellParagraph(text);
    for (const box of this.boxes) this.tellPlain(box);
    this.boxes = [];
    this.tellNotes();
  }

  private tellParagraph(text: string): void {
    const level = /^[0-8]$/.test(this.outline)
      ? Number(this.outline) + 1
      : this.styles.headingLevel(this.style);
    const list = this.list || this.styles.listOf(this.style);
    if (text.trim() === '') return;
    if (level !== null) this.flow.heading(level, text);
    else if (list !== '' && list !== '0') this.tellItem(list, text);
    else this.tellPlain(text);
  }

  private tellItem(list: string, text: string): void {
    this.flow.item(this.level, this.numbering.mark(list, this.level));
    this.flow.line += text;
    this.flow.endItem();
  }

  private tellPlain(text: string): void {
    if (!this.flow.tables.holdText) this.flow.endBlock();
    this.flow.text(text);
    this.flow.endParagraph();
  }

  private closeTable(): void {
    this.flow.tables.close();
    this.tellNotes();
  }

  private refer(kind: NoteKind, attributes: ReadonlyMap<string, string>): void {
    const text = this.notes.take(kind, attribute(attributes, 'id') ?? '');
    if (text === null) return;
    if (kind === 'comments') {
      this.waiting.push(`Comment: ${text}`);
    } else {
      this.footnotes++;
      this.run.text += `[^${this.footnotes}]`;
      this.waiting.push(`[^${this.footnotes}]: ${text}`);
    }
  }

  /** Notes follow their paragraph; those of a cell follow its table. */
  private tellNotes(): void {
    if (this.flow.tables.holdText) return;
    for (const note of this.waiting.splice(0)) this.tellPlain(note);
  }
}
