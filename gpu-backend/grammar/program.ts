/**
 * An expression as a graph of nodes, which the automaton runs over bytes. Linear
 * in the size of the expression: what is used twice with the same continuation,
 * or called, is there once.
 */
import type { ByteSet, Expression, Rule } from './expression.ts';
import { GrammarRefused } from './refused.ts';

/** Bounds what a schema of the settings' size can become. */
export const MAX_NODES = 1 << 17;
/** How deep calls may nest in a text: JSON inside JSON, and schemas that contain themselves. */
export const MAX_DEPTH = 128;

export type Node =
  | { op: 'byte'; set: number; next: number }
  | { op: 'split'; to: readonly number[] }
  | { op: 'call'; to: number; next: number }
  | { op: 'loop'; body: number; least: number; most: number; text: boolean; next: number }
  | { op: 'return' };

const RETURN = 0;

export class Program {
  readonly nodes: Node[] = [{ op: 'return' }];
  readonly start: number;
  /** How many calls must at least be nested to get from a node to its return; Infinity where there is no way. */
  readonly height: Float64Array;
  /** Bytes that no set distinguishes have one class. */
  readonly classOf: Uint8Array;
  readonly classes: number;
  private readonly sets: boolean[][] = [];
  /** Of each set its only byte, or -1. */
  private readonly singles: number[] = [];
  private readonly setIds = new Map<string, number>();
  private readonly compiled = new Map<Expression, Map<number, number>>();
  private readonly calls: { node: { to: number }; rule: Rule }[] = [];

  /** Throws `GrammarRefused`: it is too large, or matches nothing. */
  constructor(root: Expression) {
    this.start = this.compile(root, RETURN);
    for (let call = this.calls.pop(); call; call = this.calls.pop()) {
      call.node.to = this.compile(call.rule.body, RETURN);
    }
    this.height = heights(this.nodes);
    if (this.height[this.start]! > MAX_DEPTH) {
      throw new GrammarRefused(`it has no value that is nested less than ${MAX_DEPTH} deep`);
    }
    ({ classOf: this.classOf, classes: this.classes } = classesOf(this.sets));
  }

  has(set: number, byte: number): boolean {
    return this.sets[set]![byte]!;
  }

  /** The one byte that all of these nodes take, or -1. */
  only(nodes: readonly number[]): number {
    let only = -1;
    for (const id of nodes) {
      const node = this.nodes[id] as Extract<Node, { op: 'byte' }>;
      const byte = this.singles[node.set]!;
      if (byte < 0 || (only >= 0 && byte !== only)) return -1;
      only = byte;
    }
    return only;
  }

  /** The node where `expression` begins, going on at `next`. */
  private compile(expression: Expression, next: number): number {
    const byNext = this.compiled.get(expression) ?? new Map<number, number>();
    const known = byNext.get(next);
    if (known !== undefined) return known;
    const id = this.compileNew(expression, next);
    this.compiled.set(expression, byNext.set(next, id));
    return id;
  }

  private compileNew(expression: Expression, next: number): number {
    switch (expression.kind) {
      case 'literal': {
        let at = next;
        for (const value of expression.bytes.toReversed()) {
          at = this.add({ op: 'byte', set: this.setOf([[value, value]]), next: at });
        }
        return at;
      }
      case 'byte':
        return this.add({ op: 'byte', set: this.setOf(expression.set), next });
      case 'sequence':
        return expression.parts.reduceRight((at, part) => this.compile(part, at), next);
      case 'choice':
        return this.add({
          op: 'split',
          to: expression.among.map((one) => this.compile(one, next)),
        });
      case 'repeat': {
        const { least, most, text } = expression;
        const body = this.compile(expression.what, RETURN);
        return this.add({ op: 'loop', body, least, most, text, next });
      }
      case 'call': {
        const node = { op: 'call' as const, to: RETURN, next };
        this.calls.push({ node, rule: expression.rule });
        return this.add(node);
      }
    }
  }

  private add(node: Node): number {
    if (this.nodes.length === MAX_NODES) {
      throw new GrammarRefused(`it has more than ${MAX_NODES} nodes: ask for less at once`);
    }
    return this.nodes.push(node) - 1;
  }

  private setOf(ranges: ByteSet): number {
    const key = ranges.join(';');
    const known = this.setIds.get(key);
    if (known !== undefined) return known;
    const set = Array.from({ length: 256 }, (_, value) =>
      ranges.some(([from, to]) => value >= from && value <= to),
    );
    const size = set.filter(Boolean).length;
    this.singles.push(size === 1 ? set.indexOf(true) : -1);
    this.setIds.set(key, this.sets.length);
    return this.sets.push(set) - 1;
  }
}

/** The least fixed point. O(nodes · greatest height), nodes mostly coming after what they lead to. */
function heights(nodes: readonly Node[]): Float64Array {
  const height = new Float64Array(nodes.length).fill(Infinity);
  const at = (id: number) => height[id]!;
  function of(node: Node): number {
    switch (node.op) {
      case 'return':
        return 0;
      case 'byte':
        return at(node.next);
      case 'split':
        return node.to.reduce((least, to) => Math.min(least, at(to)), Infinity);
      case 'call':
        return Math.max(at(node.to) + 1, at(node.next));
      case 'loop':
        return node.least > 0 ? Math.max(at(node.body), at(node.next)) : at(node.next);
    }
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (let id = 0; id < nodes.length; id++) {
      const value = of(nodes[id]!);
      if (value === height[id]) continue;
      height[id] = value;
      changed = true;
    }
  }
  return height;
}

function classesOf(sets: readonly boolean[][]): { classOf: Uint8Array; classes: number } {
  const classOf = new Uint8Array(256);
  const ids = new Map<string, number>();
  for (let value = 0; value < 256; value++) {
    const key = sets.map((set) => (set[value] ? '1' : '0')).join('');
    if (!ids.has(key)) ids.set(key, ids.size);
    classOf[value] = ids.get(key)!;
  }
  return { classOf, classes: ids.size };
}
