/** Parsers run to their end at once. */
import type { ParsedDocument } from '../../src/retrieve/parse/document.ts';
import type { Parsing } from '../../src/retrieve/parse/slices.ts';

export function parsed(parsing: Parsing): ParsedDocument {
  for (;;) {
    const { done, value } = parsing.next();
    if (done) return value;
  }
}
