/** The texts of a store's files one after the other, so that places in any of them are on one line. */
import type { Found, StoredFile } from '../retrieval/client.ts';
import type { Span } from '../retrieval/spans.ts';

export class Corpus {
  readonly files: readonly StoredFile[];
  readonly text: string;
  /** Where each file begins, by its id. */
  private readonly starts = new Map<string, number>();

  constructor(files: readonly StoredFile[]) {
    this.files = files;
    let text = '';
    for (const file of files) {
      this.starts.set(file.id, text.length);
      text += `${file.text}\n`;
    }
    this.text = text;
  }

  /** The place of a passage. Throws where its file is none of these. */
  place({ file, start, end }: Found): Span {
    const at = this.starts.get(file);
    if (at === undefined) throw new Error(`the store has a new file, ${file}: ask again`);
    return { start: at + start, end: at + end };
  }
}
