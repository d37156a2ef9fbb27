/** Footnotes, endnotes and comments: their text, by what refers to them. */
import { requireRoom } from '../document.ts';
import { MAX_PARAGRAPH } from '../flow.ts';
import type { MarkupEvents } from '../markup.ts';
import { cutOf } from '../slices.ts';
import { attribute, localName } from './names.ts';
import { RunText } from './run-text.ts';

export type NoteKind = 'footnotes' | 'endnotes' | 'comments';

const ELEMENTS: Readonly<Record<string, NoteKind>> = {
  footnote: 'footnotes',
  endnote: 'endnotes',
  comment: 'comments',
};

export class NotesReader implements MarkupEvents {
  private kind: NoteKind = 'footnotes';
  private readonly notes = new Map<string, string>();
  private id: string | null = null;
  private readonly run = new RunText();
  private characters = 0;

  begin(kind: NoteKind): void {
    this.kind = kind;
  }

  open(name: string, attributes: ReadonlyMap<string, string>): void {
    const local = localName(name);
    if (ELEMENTS[local] === this.kind) this.id = attribute(attributes, 'id') ?? null;
    else if (local === 'p') this.run.text += ' ';
    else this.run.open(local, attributes);
    this.keepLong();
  }

  close(name: string): void {
    const local = localName(name);
    this.run.close(local);
    if (ELEMENTS[local] !== this.kind || this.id === null) return;
    this.keep(this.run.take());
    this.id = null;
  }

  text(text: string): void {
    this.run.add(text);
    this.keepLong();
  }

  /** A note that is too long for a block is kept while it is read: its first piece as itself, the others by themselves. */
  private keepLong(): void {
    if (this.id === null || this.run.text.length < MAX_PARAGRAPH) return;
    const text = this.run.take();
    const cut = cutOf(text);
    this.keep(text.slice(0, cut));
    this.run.text = text.slice(cut);
  }

  private keep(source: string): void {
    const text = source.replace(/\s+/g, ' ').trim();
    this.characters += text.length;
    requireRoom(this.characters);
    if (text === '') return;
    const key = `${this.kind} ${this.id}`;
    this.notes.set(this.notes.has(key) ? `${key} ${this.notes.size}` : key, text);
  }

  /** The note's text, once; null where there is none or it has been taken. */
  take(kind: NoteKind, id: string): string | null {
    const key = `${kind} ${id}`;
    const text = this.notes.get(key) ?? null;
    this.notes.delete(key);
    return text;
  }

  /** Notes that nothing referred to. */
  *rest(): Generator<string> {
    yield* this.notes.values();
  }
}
