/** Footnotes, endnotes and comments: their text, by what refers to them. */
import { requireRoom } from '../document.ts';
import type { MarkupEvents } from '../markup.ts';
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
  }

  close(name: string): void {
    const local = localName(name);
    this.run.close(local);
    if (ELEMENTS[local] !== this.kind || this.id === null) return;
    const text = this.run.take().replace(/\s+/g, ' ').trim();
    this.characters += text.length;
    requireRoom(this.characters);
    if (text !== '') this.notes.set(`${this.kind} ${this.id}`, text);
    this.id = null;
  }

  text(text: string): void {
    this.run.add(text);
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
