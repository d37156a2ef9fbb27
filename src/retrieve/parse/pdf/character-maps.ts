/**
 * Bounds what a font's maps of characters become: a range of one line may stand for 16
 * million characters, each of which the reader keeps. (Adobe technical note 5014)
 */
import { UnreadableFile } from '../document.ts';

/** Characters of all fonts together: a font of all Chinese has some ten thousand. */
const MAX_MAPPED = 2_000_000;

const SECTION = /begin(?:bf|cid)range/;
/** White space and comments. */
const GAP = '(?:[\\s\\0]+|%[^\\r\\n]*)*';
const CODE = '<([^>]*)>';
/** What the reader takes: the first and last code, then what the first stands for, or a list of all. */
const RANGE = new RegExp(
  `${GAP}${CODE}${GAP}${CODE}${GAP}(?:${CODE}|[-+.\\d]+|\\[([^\\]]*)\\])`,
  'y',
);
/** A string in another form than any font's map has it. */
const OTHER_STRING = new RegExp(`${GAP}(?:${CODE}${GAP}){0,2}\\(`, 'y');

export class CharacterMaps {
  private left = MAX_MAPPED;

  /**
   * Throws `UnreadableFile` where the ranges are too large, or not written as any are.
   * @param times how often the map is named
   */
  add(content: string, times: number): void {
    for (const section of content.split(SECTION).slice(1)) {
      this.left -= mappedBy(section) * Math.max(1, times);
      if (this.left < 0) throw tooMany();
    }
  }
}

/** Of the ranges up to what is none, where the reader stops. A text that is counted up is copied for each character. */
function mappedBy(section: string): number {
  let mapped = 0;
  let at = 0;
  RANGE.lastIndex = 0;
  for (let range = RANGE.exec(section); range; range = RANGE.exec(section)) {
    at = RANGE.lastIndex;
    const [, first, last, text = '', list = ''] = range;
    if (list.includes('(')) throw tooMany();
    const codes = Math.max(0, codeOf(last!) - codeOf(first!)) + 1;
    mapped += codes * Math.max(1, text.length / 4);
  }
  OTHER_STRING.lastIndex = at;
  if (OTHER_STRING.test(section)) throw tooMany();
  return mapped;
}

/** Of its last four bytes; a digit is missing at the end of an odd number. */
function codeOf(hexadecimal: string): number {
  const digits = hexadecimal.replace(/[^\da-f]/gi, '');
  const even = digits.length % 2 === 0 ? digits : `${digits}0`;
  return Number.parseInt(`0${even.slice(-8)}`, 16);
}

function tooMany(): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    `the PDF’s fonts map more than ${MAX_MAPPED} characters: print it to a new PDF`,
  );
}
