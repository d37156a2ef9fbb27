/** Source code to sections: one a top-level declaration, in fences as documentation has it. */
import { DocumentBuilder } from './builder.ts';
import { requireRoom } from './document.ts';
import { type Parsing, Slices } from './slices.ts';

/** By extension, the name that a fence gives the language. */
export const LANGUAGES: Readonly<Record<string, string>> = {
  c: 'c',
  cc: 'cpp',
  cpp: 'cpp',
  cs: 'csharp',
  css: 'css',
  go: 'go',
  h: 'c',
  hpp: 'cpp',
  java: 'java',
  js: 'js',
  jsx: 'jsx',
  kt: 'kotlin',
  lua: 'lua',
  mjs: 'js',
  php: 'php',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  scala: 'scala',
  sh: 'sh',
  sql: 'sql',
  swift: 'swift',
  toml: 'toml',
  ts: 'ts',
  tsx: 'tsx',
  vue: 'vue',
  xml: 'xml',
  yaml: 'yaml',
  yml: 'yaml',
};

const DECLARATION =
  /^(?:export |default |pub(?:\([a-z]+\))? |public |private |protected |static |final |abstract |async |unsafe |extern |declare )*(?:function\*?|class|interface|struct|enum|trait|impl|type|namespace|module|package|def|fn|func|fun|const|let|var|object)\s+(?:\([^)]*\)\s*)?([\p{L}_$][\p{L}\p{N}_$]*)/u;
/** Of a line, read for the name of a declaration. */
const MAX_LINE = 2_000;

export function* parseCode(source: string, filename: string, language: string): Parsing {
  requireRoom(source.length);
  const builder = new DocumentBuilder(filename, true);
  let lines: string[] = [];
  let heading = '';

  function endBlock(): void {
    const first = lines.findIndex((line) => line.trim() !== '');
    const last = lines.findLastIndex((line) => line.trim() !== '');
    const code = lines
      .slice(first, last + 1)
      .join('\n')
      .trimEnd();
    lines = [];
    if (first < 0) return;
    if (heading !== '') builder.heading(2, heading);
    builder.block(`\`\`\`${language}\n${code}\n\`\`\``);
  }

  let blank = true;
  const slices = new Slices();
  for (let start = 0; start <= source.length; ) {
    const newline = source.indexOf('\n', start);
    const end = newline < 0 ? source.length : newline;
    const line = source.slice(start, end).replaceAll('\r', '');
    const topLevel = /^[^\s})\]]/.test(line);
    // A new part starts where, after a blank line, code is at the margin again.
    if (topLevel && blank && lines.length > 0) {
      endBlock();
      heading = '';
    }
    if (topLevel && heading === '') {
      heading = DECLARATION.exec(line.slice(0, MAX_LINE))?.[1] ?? '';
    }
    lines.push(line);
    blank = line.trim() === '';
    start = end + 1;
    if (slices.endBefore(start)) yield;
  }
  endBlock();
  return builder.build();
}
