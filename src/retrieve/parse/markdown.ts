/**
 * Markdown to sections. The cleaning is the one that the bundled model's
 * training text went through (models/recipe), so that passages look to it as
 * they did in training: links keep their words, images and tags go, tables are
 * cut short, code stays as it is. It works line by line, so that every block
 * knows where in the source it stands.
 */
import {
  type Block,
  type ParsedDocument,
  type Section,
  shortTitle,
  titleFromName,
} from './document.ts';

/** Rows that a table keeps, its header included: long ones are data, not prose. */
const MAX_TABLE_ROWS = 10;
const MAX_TABLE_LINE = 400;
/** Longer lines keep their markup: some of the patterns below are quadratic in a hostile line. */
const MAX_MARKUP_LINE = 4_000;
/** Read of a heading. */
const MAX_HEADING = 400;

const FENCE = /^\s*(```+|~~~+)/;
const HEADING = /^(#{1,6})\s+(.*)/;
const FRONT_MATTER = /^\uFEFF?\s*---\r?\n([\s\S]*?)\n---[^\S\n]*\r?(?:\n|$)/;

interface Line {
  text: string;
  start: number;
  end: number;
  /** Inside a fenced code block, its fences included. */
  code: boolean;
}

export function parseMarkdown(source: string, filename: string): ParsedDocument {
  const front = FRONT_MATTER.exec(source);
  const named = /^title:[^\S\n]*["']?(.+?)["']?[^\S\n]*\r?$/m.exec(front?.[1] ?? '')?.[1];
  const lines = clean(source, front ? front[0].length : 0);
  const title = plain(named ?? firstHeading(lines) ?? '') || titleFromName(filename);
  return { text: source, sections: split(lines, shortTitle(title)) };
}

function firstHeading(lines: readonly Line[]): string | undefined {
  for (const line of lines) {
    const heading = line.code ? null : HEADING.exec(line.text);
    if (heading && heading[1]!.length === 1) return heading[2];
  }
  return undefined;
}

/** The lines worth reading, each with the range of the source line it came from. */
function clean(source: string, from: number): Line[] {
  const lines: Line[] = [];
  let fence = '';
  let indent = 0;
  let tableRows = 0;
  let insideTag = false;
  let comment = '';

  for (let start = from; start < source.length; ) {
    const newline = source.indexOf('\n', start);
    const end = newline < 0 ? source.length : newline;
    const keep = (text: string, code = false) => lines.push({ text, start, end, code });
    cleanLine(source.slice(start, end).replaceAll('\r', '').replaceAll('\t', '  '), keep);
    start = end + 1;
  }
  return lines;

  function cleanLine(raw: string, keep: (text: string, code?: boolean) => void): void {
    const opening = FENCE.exec(raw);
    if (fence) {
      keep(raw.slice(0, indent).trim() === '' ? raw.slice(indent) : raw, true);
      const bare = raw.trim();
      if (opening && bare.startsWith(fence) && /^[`~]+$/.test(bare)) fence = '';
      return;
    }
    if (opening && !comment) {
      fence = opening[1]!;
      indent = raw.length - raw.trimStart().length;
      const language = /^[A-Za-z+#-]*/.exec(raw.trim().slice(fence.length).trim())![0];
      keep(fence + language, true);
      return;
    }
    const line = withoutComments(raw);
    const bare = line.trim();
    if (insideTag) {
      insideTag = !bare.includes('>');
      return;
    }
    if (/^<\/?[A-Za-z][^>]*$/.test(bare)) {
      insideTag = true;
      return;
    }
    if (/^(?:import|export)\s/.test(bare) || /^(?::::|\[TOC\]$|\/\/\/ )/.test(bare)) return;
    if (/^\[[^\]]+\]:\s/.test(bare)) return;
    tableRows = bare.startsWith('|') ? tableRows + 1 : 0;
    if (tableRows > MAX_TABLE_ROWS || (tableRows > 0 && bare.length > MAX_TABLE_LINE)) return;
    const row = tableRows > 0 ? line.replace(/-{4,}/g, '---').replace(/ {2,}/g, ' ') : line;
    keep(cleanInline(row).trimEnd());
  }

  /** Takes HTML and MDX comments out, also those that span lines. */
  function withoutComments(line: string): string {
    let kept = '';
    let rest = line;
    while (rest) {
      if (comment) {
        const close = rest.indexOf(comment);
        if (close < 0) return kept;
        rest = rest.slice(close + comment.length);
        comment = '';
        continue;
      }
      const open = /<!--|\{\/\*/.exec(rest);
      if (!open) return kept + rest;
      kept += rest.slice(0, open.index);
      rest = rest.slice(open.index + open[0].length);
      comment = open[0] === '<!--' ? '-->' : '*/}';
    }
    return kept;
  }
}

/** Markup inside a line. Code spans are stood aside, so that what is in them stays. */
function cleanInline(line: string): string {
  if (line.length > MAX_MARKUP_LINE) return line;
  const spans: string[] = [];
  return line
    .replaceAll('\0', '')
    .replace(/`[^`\n]+`/g, (span) => `\0${spans.push(span) - 1}\0`)
    .replace(/!\[[^\]]*\]\([^)]*\)/g, '')
    .replace(/\[([^\]]+)\]\((?:[^()]|\([^()]*\))*\)/g, '$1')
    .replace(/\[([^\]]+)\]\[[^\]]*\]/g, '$1')
    .replace(/<\/?[A-Za-z][^<>\n]*>/g, '')
    .replace(/\{\{?[%<].*?[%>]\}?\}/g, '')
    .replace(/\\?\{#[^}]*\}/g, '')
    .replace(/\0(\d+)\0/g, (_, index: string) => spans[Number(index)]!);
}

/** A heading's words, without marks of emphasis and code. */
function plain(heading: string): string {
  return heading
    .slice(0, MAX_HEADING)
    .replace(/[`*_]{1,2}(\S.*?)[`*_]{1,2}/g, '$1')
    .replace(/^[#\s]+|[#\s]+$/g, '')
    .replace(/\s+/g, ' ');
}

function split(lines: readonly Line[], title: string): Section[] {
  const sections: Section[] = [];
  let section: Section = { title, heading: title, blocks: [] };
  let block: Line[] = [];

  function endBlock(): void {
    const made = toBlock(block);
    if (made) section.blocks.push(made);
    block = [];
  }
  function endSection(): void {
    endBlock();
    if (section.blocks.length > 0) sections.push(section);
  }

  for (const line of lines) {
    const heading = line.code ? null : HEADING.exec(line.text);
    if (heading) {
      endSection();
      section = { title, heading: shortTitle(plain(heading[2]!)) || title, blocks: [] };
      continue;
    }
    if (!line.code && line.text.trim() === '') {
      endBlock();
      continue;
    }
    // Code is a block of its own, its blank lines included.
    if (block.length > 0 && block[0]!.code !== line.code) endBlock();
    block.push(line);
    if (line.code && block.length > 1 && line.text.trim() === FENCE.exec(block[0]!.text)?.[1]) {
      endBlock();
    }
  }
  endSection();
  return sections;
}

function toBlock(lines: readonly Line[]): Block | undefined {
  const text = lines
    .map((line) => line.text)
    .join('\n')
    .replace(/^\n+|\n+$/g, '');
  if (text.trim() === '') return undefined;
  return { text, start: lines[0]!.start, end: lines[lines.length - 1]!.end };
}
