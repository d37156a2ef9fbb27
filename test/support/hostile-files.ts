/**
 * Files made to be slow or large: each format's own marks, nested, repeated, in
 * disorder and around long words, packed where the format packs. Seeded.
 */
import { deflateSync } from 'node:zlib';
import {
  docxParts,
  makePdfOf,
  makeZip,
  pageObject,
  pagesObject,
  streamObject,
} from './documents.ts';

/** Numbers from a seed. (mulberry32) */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** From 0 up to `sides`, without it. */
  roll(sides: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.roll(choices.length)]!;
  }
}

/** What a format is made of. `LONG` in a mark stands for a long word. */
interface Grammar {
  /** Beginnings with their ends. */
  pairs: readonly [open: string, close: string][];
  marks: readonly string[];
  /** Around the whole. */
  frame?: readonly [before: string, after: string];
}

const LONG = 'LONG';
const WORDS = [
  'a',
  ' ',
  'word ',
  '\n',
  '\n\n',
  '1',
  'é',
  '東',
  '\t',
  '  ',
  '\r\n',
  '\u00AD',
  '👩‍🌾',
];
const FILLERS = [
  'a',
  ' ',
  '\n',
  '\t',
  '\\',
  '"',
  '-',
  '`',
  '<',
  '[',
  '(',
  '&',
  '|',
  ',',
  '0',
  '\u00AD',
  '\u200B',
  '東',
];

const MARKUP: Grammar = {
  pairs: [
    'b',
    'div',
    'p',
    'ul',
    'ol',
    'li',
    'table',
    'tr',
    'td',
    'th',
    'pre',
    'code',
    'h1',
    'h3',
    'nav',
    'footer',
    'article',
    'title',
    'svg',
    'select',
    'script',
    'x-y',
    'blockquote',
    'form',
  ].map((name): [string, string] => [`<${name}>`, `</${name}>`]),
  marks: [
    '<br>',
    '<li>',
    '<td>',
    '<tr>',
    '<p>',
    '<hr/>',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?x',
    '&amp;',
    '&',
    '&#',
    '&lt',
    '<',
    '</',
    '>',
    '<a ',
    '<a b="',
    "<a b='",
    '<img alt="LONG">',
    `<${LONG}>`,
    `</${LONG}>`,
    '<title',
    `<a ${LONG}=1>`,
    `&${LONG};`,
    '<!doctype LONG>',
  ],
};

const GRAMMARS: Readonly<Record<string, Grammar>> = {
  html: MARKUP,
  md: {
    pairs: [
      ['[', '](x)'],
      ['![', '](y "t")'],
      ['`', '`'],
      ['**', '**'],
      ['```\n', '\n```\n'],
      ['> ', '\n'],
      ['- ', '\n  '],
      ['<!--', '-->'],
      ['{/*', '*/}'],
      ['<b>', '</b>'],
      ['<Note>', '</Note>'],
      ['(', ')'],
      ['{{<', '>}}'],
      [':::note\n', ':::\n'],
    ],
    marks: [
      '# ',
      '## LONG\n',
      '---\n',
      '|',
      '| a | b |\n',
      '|-',
      '* ',
      '1. ',
      '[^1]: ',
      '[a]: ',
      '[LONG]: x\n',
      '<',
      '<a b="',
      '<a b={',
      '<n ',
      '&amp;',
      '\\',
      '`LONG`',
      '~~~\n',
      '    ',
      'import x from "LONG"\n',
      '![](data:image/png;base64,LONG)',
      '<https://LONG>',
      '{#LONG}',
      '===\n',
      '<img\n',
      'title: LONG\n',
      '+++\n',
    ],
  },
  json: {
    pairs: [
      ['[', ']'],
      ['{"a":', '}'],
      ['{"LONG":', '}'],
      ['[1,', ']'],
      ['{"a":[', ']}'],
    ],
    marks: [
      '1',
      '-1.5e9',
      '"LONG"',
      'true',
      'null',
      ',',
      ':',
      '{"a":1},',
      '[1],',
      '"a":',
      '"\\u00e9"',
      '"\\\\"',
      '{}',
      '1LONG',
    ],
  },
  jsonl: {
    pairs: [
      ['{"a":[', ']}\n'],
      ['[', ']\n'],
    ],
    marks: ['{"LONG":1}\n', '1\n', '"LONG"\n', '{}\n', '\n', '[1,2,3]\n', 'x\n'],
  },
  csv: {
    pairs: [
      ['"', '"'],
      [' "', '" '],
    ],
    marks: [
      ',',
      ';',
      '\t',
      '|',
      '\n',
      '\r',
      '\r\n',
      '""',
      'LONG,',
      '1,5;',
      'a,b\n',
      'a;b;c\n',
      ',,,,,,\n',
      'sep=;\n',
      '"a,',
    ],
  },
  txt: { pairs: [['(', ')']], marks: ['LONG', '\n\n', '\n', ' ', '. ', '\f', '\v'] },
  py: {
    pairs: [
      ['(', ')'],
      ['{', '}'],
    ],
    marks: [
      'class LONG:\n',
      'def a(b):\n',
      '\n',
      '    ',
      '\n\n\n',
      'fn ',
      'export ',
      'pub(crate) ',
      'func (a b) c',
      '`',
      '```\n',
      '#',
    ],
  },
  xml: MARKUP,
  docx: {
    pairs: [
      ['<w:p>', '</w:p>'],
      ['<w:r>', '</w:r>'],
      ['<w:t>', '</w:t>'],
      ['<w:tbl>', '</w:tbl>'],
      ['<w:tr>', '</w:tr>'],
      ['<w:tc>', '</w:tc>'],
      ['<w:txbxContent>', '</w:txbxContent>'],
      ['<mc:Fallback>', '</mc:Fallback>'],
      ['<w:pPr>', '</w:pPr>'],
      ['<w:numPr>', '</w:numPr>'],
      ['<w:p><w:r><w:t>', '</w:t></w:r></w:p>'],
      ['<w:tbl><w:tr><w:tc><w:p><w:r><w:t>', '</w:t></w:r></w:p></w:tc></w:tr></w:tbl>'],
    ],
    marks: [
      '<w:pStyle w:val="Heading1"/>',
      '<w:ilvl w:val="8"/>',
      '<w:numId w:val="1"/>',
      '<w:tab/>',
      '<w:br/>',
      '<w:footnoteReference w:id="1"/>',
      '<w:sym w:char="F0E0"/>',
      '<w:docPr descr="LONG"/>',
      '<w:outlineLvl w:val="0"/>',
      '&amp;',
      '&',
      '<',
      '<!--',
      '-->',
      '<![CDATA[',
      '<w:instrText>',
    ],
  },
  pdf: {
    pairs: [
      ['BT /F1 11 Tf 72 700 Td ', ' ET\n'],
      ['q ', ' Q\n'],
      ['(', ') Tj '],
      ['[', '] TJ '],
      ['<<', '>>'],
      ['/X BMC ', 'EMC '],
      ['<', '> Tj '],
    ],
    marks: [
      '(LONG) Tj ',
      '1 0 0 1 9 9 cm ',
      '/X Do\n',
      '0 -12 Td ',
      '9 0 0 9 72 90 Tm ',
      '[(a) -900 (b)] TJ ',
      '1 ',
      '/LONG ',
      '% LONG\n',
      'BI /W 1 ID a EI ',
      '\\',
      '(',
      '[',
      '/F1 1e9 Tf ',
      '-1 ',
    ],
  },
};

/** A text of the grammar's marks, of about `size` characters. */
function compose(grammar: Grammar, size: number, dice: Dice): string {
  const long = dice.of(FILLERS).repeat(1 + dice.roll(Math.max(2, size >> dice.roll(6))));
  const mark = () => {
    const [open, close] = dice.of(grammar.pairs);
    return dice.of([dice.of(grammar.marks), dice.of(WORDS), open, close]);
  };
  const filled = (text: string) => {
    const [first, ...others] = text.slice(0, 2 * size).split(LONG);
    let made = first!;
    for (const other of others) made = made.length < size ? made + long + other : made;
    return made.slice(0, size);
  };
  const fill = (piece: string) => {
    const once = piece.replaceAll(LONG, () => long.slice(0, 1 + dice.roll(64)));
    return once === '' ? '' : once.repeat(Math.ceil(size / once.length)).slice(0, size);
  };
  switch (dice.roll(7)) {
    case 0:
      return fill(mark());
    case 1:
      return fill(mark() + mark() + mark());
    case 2: {
      // One kind nested, closed in order, in part, or not.
      const [open, close] = dice.of(grammar.pairs);
      const depth = Math.ceil(size / (open.length + close.length + 1));
      const inner = dice.of(['', 'a', mark()]);
      return filled((open + inner).repeat(depth) + close.repeat(dice.roll(2) * depth));
    }
    case 3: {
      // Kinds in each other, closed in the wrong order.
      const kinds = Array.from({ length: 2 + dice.roll(3) }, () => dice.of(grammar.pairs));
      const depth = Math.ceil(size / (kinds.flat().join('').length + 1));
      const opened = kinds.map(([open]) => open).join('a');
      return filled(
        opened.repeat(depth) +
          kinds
            .map(([, close]) => close)
            .join('')
            .repeat(depth),
      );
    }
    case 4:
      // One long thing before many short ones.
      return filled(`${dice.of(grammar.marks)}${long}${mark()}${fill(mark() + mark())}`);
    case 5:
      return filled(`${fill(mark())}`.slice(0, size >> 1) + fill(mark()));
    default: {
      const parts: string[] = [];
      for (let length = 0; length < size; ) {
        const part = mark().repeat(1 + dice.roll(3));
        parts.push(part);
        length += part.length + 1;
      }
      return filled(parts.join(''));
    }
  }
}

const FONT = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>';

function pdfOf(content: string, dice: Dice): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(content, 'latin1');
  const packed = dice.roll(2)
    ? streamObject('/Filter /FlateDecode', deflateSync(bytes))
    : streamObject('', bytes);
  const kids = Array.from({ length: 1 + dice.roll(3) * dice.roll(20) }, () => 4);
  const form = `/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> /XObject << /X ${dice.of([6, 7])} 0 R >> >>`;
  return makePdfOf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    pagesObject(kids),
    FONT,
    pageObject(5, '/XObject << /X 6 0 R >>'),
    packed,
    streamObject(form, `${compose(GRAMMARS.pdf!, 200, dice)} /X Do /X Do\n`),
    streamObject(form, 'BT /F1 11 Tf 72 700 Td (a) Tj ET\n'),
  ]);
}

/** Bytes changed here and there. */
function damage(bytes: Uint8Array<ArrayBuffer>, dice: Dice): Uint8Array<ArrayBuffer> {
  for (let i = dice.roll(8); i > 0; i--) bytes[dice.roll(bytes.length)]! ^= 1 << dice.roll(8);
  return bytes;
}

const PACKED: Readonly<Record<string, (size: number, dice: Dice) => Uint8Array<ArrayBuffer>>> = {
  docx(size, dice) {
    const note = compose(GRAMMARS.docx!, dice.roll(500), dice);
    const parts = { footnotes: `<w:footnote w:id="1">${note}</w:footnote>` };
    return makeZip(docxParts(compose(GRAMMARS.docx!, size, dice), parts));
  },
  pdf: (size, dice) => pdfOf(compose(GRAMMARS.pdf!, size, dice), dice),
  zip(size, dice) {
    const members = Array.from(
      { length: 1 + dice.roll(6) },
      (_, i): [string, string | Uint8Array] => {
        const format = dice.of(FORMATS.filter((name) => name !== 'zip'));
        return [`${i}.${format}`, hostileFile(format, size >> 2, dice).content];
      },
    );
    return makeZip(Object.fromEntries(members));
  },
};

export const FORMATS: readonly string[] = [...Object.keys(GRAMMARS), 'zip'];

export interface HostileFile {
  name: string;
  content: Uint8Array<ArrayBuffer>;
}

/** A file of that format, of at most about `size` bytes before it is packed. */
export function hostileFile(format: string, size: number, dice: Dice): HostileFile {
  const packed = PACKED[format]?.(size, dice);
  const content = packed ?? new Uint8Array(Buffer.from(compose(GRAMMARS[format]!, size, dice)));
  return { name: `a.${format}`, content: dice.roll(4) === 0 ? damage(content, dice) : content };
}
