/**
 * `String.prototype.normalize` in linear time. ICU inserts each combining mark into
 * the run before it, so 320 kB of marks in turn, one above and one below the letter,
 * take 17 seconds. Here a long run is put into canonical order first (Unicode 15,
 * section 3.11), which changes no normal form and leaves ICU nothing to move. Pure.
 */

export type NormalForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** Shorter runs cost ICU next to nothing. */
const LONG_RUN = 32;
/** All that have a combining class, and the two letters that compatibility forms make marks of. */
const MARKS = /[\p{M}\uff9e\uff9f]+/gu;

/**
 * A mark of each combining class but 0, in the order of the classes (1 to 240), as
 * UnicodeData.txt has them. JavaScript does not give a class; it can be compared.
 */
const CLASSES = Array.from(
  '\u0334\u{16ff0}\u093c\u3099\u094d\u05b0\u05b1\u05b2\u05b3\u05b4\u05b5\u05b6\u05b7\u05b8\u05b9' +
    '\u05bb\u05bc\u05bd\u05bf\u05c1\u05c2\ufb1e\u064b\u064c\u064d\u0618\u0619\u061a\u0651\u0652' +
    '\u0670\u0711\u0c55\u0c56\u0e38\u0e48\u0eb8\u0ec8\u0f71\u0f72\u0f74\u0321\u1dce\u031b\u1dfa' +
    '\u0316\u059a\u302e\u{1d16d}\u05ae\u0300\u0315\u035c\u035d\u0345',
);
const LOWEST = CLASSES[0]!;
const HIGHEST = CLASSES[CLASSES.length - 1]!;

/** By mark, as far as they were met: 0 for what is not reordered, else rising with the class. */
const orders = new Map<string, number>();

/** The same text as `text.normalize(form)`. O(length), whatever the text. */
export function normalise(text: string, form: NormalForm): string {
  const decomposed = form === 'NFKC' || form === 'NFKD' ? 'NFKD' : 'NFD';
  const ordered = text.replace(MARKS, (run) =>
    run.length > LONG_RUN ? inOrder(run, decomposed) : run,
  );
  return ordered.normalize(form);
}

/** Marks of one class keep their order; none passes a mark of class 0. */
function inOrder(run: string, form: 'NFD' | 'NFKD'): string {
  const decompositions = new Map<string, string[]>();
  let text = '';
  let byOrder: string[] = [];
  for (const character of run) {
    let marks = decompositions.get(character);
    if (!marks) {
      marks = Array.from(character.normalize(form));
      decompositions.set(character, marks);
    }
    for (const mark of marks) {
      const order = orderOf(mark);
      if (order > 0) {
        byOrder[order] = (byOrder[order] ?? '') + mark;
      } else {
        text += byOrder.join('') + mark;
        byOrder = [];
      }
    }
  }
  return text + byOrder.join('');
}

function orderOf(mark: string): number {
  const known = orders.get(mark);
  if (known !== undefined) return known;
  let order = 0;
  // A mark of class 0 is passed by none.
  if (isReordered(mark, LOWEST) || isReordered(HIGHEST, mark)) {
    const lower = CLASSES.filter((other) => isReordered(mark, other)).length;
    order = 1 + lower;
  }
  orders.set(mark, order);
  return order;
}

/** Whether the second of two marks has the lower class, and so comes first. */
function isReordered(first: string, second: string): boolean {
  return (first + second).normalize('NFD') !== first.normalize('NFD') + second.normalize('NFD');
}
