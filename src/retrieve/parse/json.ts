/** JSON and JSON Lines to sections: every record becomes lines of `path.to.member: value`. */
import { DocumentBuilder } from './builder.ts';
import {
  oneLine,
  type ParsedDocument,
  requireRoom,
  shortTitle,
  titleFromName,
} from './document.ts';
import { type JsonContainer, type JsonEvents, scanJson } from './json-scanner.ts';
import { NameBudget } from './name-budget.ts';
import type { Parsing } from './slices.ts';

/** Characters of a path before a value; of a longer one the end is kept. */
const MAX_PATH = 160;

export function* parseJson(source: string, filename: string): Parsing {
  const records = new Records(filename, source.length, 'document');
  yield* scanJson(source, records, (at) => `the file is not JSON: see line ${lineAt(source, at)}`);
  return records.build();
}

/** One JSON value a line, each of them a record. */
export function* parseJsonLines(source: string, filename: string): Parsing {
  const records = new Records(filename, source.length, 'lines');
  let line = 0;
  for (let start = 0; start < source.length; ) {
    const newline = source.indexOf('\n', start);
    const end = newline < 0 ? source.length : newline;
    line++;
    const text = source.slice(start, end);
    if (text.trim() !== '') yield* scanJson(text, records, () => `line ${line} is not JSON`);
    start = end + 1;
    if (line % 1_000 === 0) yield;
  }
  return records.build();
}

function lineAt(source: string, at: number): number {
  let line = 1;
  for (let end = source.indexOf('\n'); end >= 0 && end < at; end = source.indexOf('\n', end + 1)) {
    line++;
  }
  return line;
}

interface Container {
  kind: JsonContainer;
  /** From the record to here, cut short. */
  path: string;
  /** Of the member being read: its name, or its index in an array. */
  name: string;
  members: number;
  /** Values of an array that follow each other: they become one line. */
  values: string[];
}

/**
 * A record is an element of the outermost array, or of one in a member of the
 * outermost object, or such a member itself. In JSON Lines every line is one.
 */
class Records implements JsonEvents {
  private readonly builder: DocumentBuilder;
  private readonly budget: NameBudget;
  private readonly containers: Container[] = [];
  private readonly lines: string[] = [];
  private readonly linewise: boolean;
  /** Of the lines and values held. */
  private characters = 0;
  /** How many containers are open around a record. */
  private around = 0;

  constructor(filename: string, source: number, form: 'document' | 'lines') {
    this.builder = new DocumentBuilder(titleFromName(filename), true);
    this.budget = new NameBudget(source);
    this.linewise = form === 'lines';
  }

  open(kind: JsonContainer): void {
    const depth = this.containers.length;
    const parent = this.enter();
    if (parent) this.endValues(parent);
    if (depth === 0) {
      this.around = this.linewise ? 0 : 1;
    } else if (depth === 1 && parent!.kind === 'object' && !this.linewise) {
      this.builder.heading(2, parent!.name);
      this.around = kind === 'array' ? 2 : 1;
    }
    const path = depth > this.around ? pathOf(parent!) : '';
    this.containers.push({ kind, path, name: '', members: 0, values: [] });
  }

  close(): void {
    const container = this.containers.pop()!;
    const depth = this.containers.length;
    this.endValues(container);
    if (depth > this.around && container.members === 0) {
      this.line(container.path, container.kind === 'array' ? '[]' : '{}');
    }
    if (depth === this.around) this.endRecord();
  }

  key(name: string): void {
    const container = this.containers.at(-1)!;
    container.name = oneLine(name);
    // A path has the name cut short: whole it is written once, where it occurs.
    const isInside = this.containers.length > this.around;
    if (isInside && container.name !== shortTitle(name)) this.tell(container.name);
  }

  value(text: string): void {
    const parent = this.enter();
    if (this.containers.length > this.around) {
      if (parent!.kind === 'array') {
        parent!.values.push(text);
        this.count(text);
      } else {
        this.line(pathOf(parent!), text);
      }
    } else if (parent?.kind === 'object') {
      this.builder.block(`${parent.name}: ${text}`);
    } else {
      this.builder.block(text);
    }
  }

  build(): ParsedDocument {
    return this.builder.build();
  }

  /** Counts a member of the innermost container and gives that container. */
  private enter(): Container | undefined {
    const parent = this.containers.at(-1);
    if (parent?.kind === 'array') parent.name = String(parent.members);
    if (parent) parent.members++;
    return parent;
  }

  private endValues(container: Container): void {
    if (container.values.length === 0) return;
    const { values } = container;
    container.values = [];
    this.characters -= values.reduce((sum, { length }) => sum + length, 0);
    this.line(container.path, values.join(', '));
  }

  private line(path: string, text: string): void {
    // Where the paths have grown too long in sum, the last name must do.
    const before = this.builder.length + this.characters;
    const name = this.budget.spend(path.length, text.length + 2, before) ? path : lastName(path);
    this.tell(name === '' ? text : `${name}: ${text}`);
  }

  private tell(line: string): void {
    this.lines.push(line);
    this.count(line);
  }

  private count(text: string): void {
    this.characters += text.length;
    requireRoom(this.builder.length + this.characters);
  }

  private endRecord(): void {
    this.builder.block(this.lines.splice(0).join('\n'));
    this.characters = 0;
  }
}

/** Where the member that is being read is. */
function pathOf({ path, name }: Container): string {
  const whole = path === '' ? shortTitle(name) : `${path}.${shortTitle(name)}`;
  return whole.length > MAX_PATH ? `…${whole.slice(-MAX_PATH)}` : whole;
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
