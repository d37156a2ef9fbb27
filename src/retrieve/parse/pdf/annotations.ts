/** What a PDF's pages have beside what they draw: values of forms, and comments. */

/** As the PDF reader gives them, unchecked. */
export interface Annotation {
  subtype?: unknown;
  fieldName?: unknown;
  alternativeText?: unknown;
  fieldValue?: unknown;
  contentsObj?: { str?: unknown };
}

/** A comment's window, which repeats it. */
const POPUP = 'Popup';

/** One line; '' for what says nothing. */
export function annotationText(annotation: Annotation): string {
  const { subtype, fieldName, alternativeText, fieldValue, contentsObj } = annotation;
  if (subtype === 'Widget') {
    const values = [fieldValue].flat().filter((value) => typeof value === 'string' && value !== '');
    const name =
      typeof alternativeText === 'string' && alternativeText ? alternativeText : fieldName;
    return values.length === 0 ? '' : `${String(name ?? '')}: ${values.join(', ')}`;
  }
  const text = contentsObj?.str;
  return subtype === POPUP || typeof text !== 'string' ? '' : text.trim();
}
