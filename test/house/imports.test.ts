/** Who may import whom: the rule of the house, read off the source. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';

const GROUND = ['src/store', 'src/store/objects', 'src/bindings.ts', 'src/pause.ts'];
const WORKER = ['src/model', 'src/meter', ...GROUND];

/** What the verifier shares with the worker. */
const SHARED = ['src/draft', 'src/link/protocol'];
const VERIFIER = [
  'engine',
  'logits',
  'grammar',
  'accept',
  'drafters',
  'turn',
  'link',
  'builder',
  'ort',
  'cli',
];

/** Each room, and what of the house it may import beside itself. */
const ALLOWED: Record<string, string[]> = {
  'src/draft': [],
  'src/onnx': [],
  'src/store/objects': [],
  'src/pause.ts': [],
  'src/bindings.ts': ['src/store/objects'],
  'src/store': ['src/bindings.ts', 'src/pause.ts', 'src/store/objects'],
  'src/link/protocol': ['src/draft'],
  'src/link': ['src/link/protocol', 'src/draft'],
  'src/model': ['src/link', 'src/link/protocol', ...GROUND],
  'src/meter': GROUND,
  'src/retrieve': ['src/onnx', 'models/embedder/manifest.json', ...WORKER],
  'src/memory': ['src/draft', 'src/link/protocol', ...WORKER],
  'src/generate': [
    'models/draft/edge.onnx',
    'models/draft/edge.json',
    'src/onnx',
    'src/memory',
    'src/retrieve',
    'src/draft',
    'src/link',
    'src/link/protocol',
    ...WORKER,
  ],
  'src/api': [
    'package.json',
    'src/generate',
    'src/retrieve',
    'src/draft',
    'src/link',
    'src/link/protocol',
    ...WORKER,
  ],
  'src/app.ts': ['src/api', ...WORKER],
  'src/index.ts': ['src/app.ts', 'src/memory', 'src/retrieve', 'src/meter'],
  'gpu-backend/ort': [],
  'gpu-backend/report': [],
  'gpu-backend/logits': [],
  'gpu-backend/grammar': SHARED,
  'gpu-backend/accept': ['gpu-backend/logits', 'gpu-backend/grammar', ...SHARED],
  'gpu-backend/builder': ['gpu-backend/ort', 'gpu-backend/accept', ...SHARED],
  'gpu-backend/engine': ['gpu-backend/builder', 'gpu-backend/logits', 'gpu-backend/ort', ...SHARED],
  'gpu-backend/drafters': ['gpu-backend/engine', 'gpu-backend/accept', ...SHARED],
  'gpu-backend/turn': [
    'gpu-backend/drafters',
    'gpu-backend/engine',
    'gpu-backend/logits',
    'gpu-backend/accept',
    'gpu-backend/grammar',
    ...SHARED,
  ],
  'gpu-backend/link': [
    'gpu-backend/turn',
    'gpu-backend/drafters',
    'gpu-backend/engine',
    'gpu-backend/builder',
    'gpu-backend/accept',
    'gpu-backend/grammar',
    ...SHARED,
  ],
  'gpu-backend/cli': [
    'gpu-backend/report',
    'gpu-backend/engine',
    'gpu-backend/builder',
    'gpu-backend/logits',
    'gpu-backend/accept',
    'gpu-backend/grammar',
    ...SHARED,
  ],
  'gpu-backend': [...VERIFIER.map((room) => `gpu-backend/${room}`), ...SHARED],
};

/** Rooms by path, the most particular first. */
const ROOMS = Object.keys(ALLOWED).sort((a, b) => b.length - a.length);

function roomOf(path: string): string {
  return ROOMS.find((room) => path === room || path.startsWith(`${room}/`)) ?? path;
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('node_modules'));
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!);
}

/** Files that reach each other: the strongly connected components of more than one file (Tarjan 1972). */
function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string) => {
    order.set(file, order.size);
    lowest.set(file, order.get(file)!);
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(next)!));
    }
    if (lowest.get(file) !== order.get(file)) return;
    const component = stack.splice(stack.indexOf(file)).reverse();
    if (component.length > 1) circles.push(component);
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return circles;
}

/** `file imports target` for every import that the rule forbids. */
function breaches(folder: string): string[] {
  return sources(folder).flatMap((path) => {
    const room = roomOf(relative(ROOT, path));
    const allowed = ALLOWED[room];
    if (!allowed) return [];
    return importsOf(path)
      .filter((name) => name.startsWith('.'))
      .map((name) => relative(ROOT, resolve(dirname(path), name)))
      .filter((target) => roomOf(target) !== room && !allowed.includes(roomOf(target)))
      .map((target) => `${relative(ROOT, path)} imports ${target}`);
  });
}

test('every import goes the way the house allows', () => {
  const found = [...breaches('src'), ...breaches('gpu-backend')];
  expect(found).toEqual([]);
});

test('no file imports itself by way of others', () => {
  const graph = new Map(
    ['src', 'gpu-backend', 'local', 'bin', 'bench', 'sim', 'test'].flatMap(sources).map((path) => [
      relative(ROOT, path),
      importsOf(path)
        .filter((name) => name.startsWith('.'))
        .map((name) => relative(ROOT, resolve(dirname(path), name))),
    ]),
  );
  expect(circlesOf(graph)).toEqual([]);
});

test('no room imports itself by way of others', () => {
  expect(circlesOf(new Map(Object.entries(ALLOWED)))).toEqual([]);
});

test('a circle is found', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', ['a']],
    ['d', []],
  ]);
  expect(circlesOf(graph)).toEqual([['c', 'b', 'a']]);
});

test('the draft core imports nothing at all', () => {
  const core = join(ROOT, 'src/draft/');
  const outside = sources('src/draft').flatMap((path) =>
    importsOf(path).filter(
      (name) => !name.startsWith('.') || !resolve(dirname(path), name).startsWith(core),
    ),
  );
  expect(outside).toEqual([]);
});

test('the link shares no more than frames with the verifier, and frames need no platform', () => {
  for (const path of sources('src/link/protocol')) {
    expect(readFileSync(path, 'utf8')).not.toMatch(/new WebSocket|process\.|Buffer\.|fetch\(/);
  }
});

test('the rule is read off real files', () => {
  expect(sources('src').length).toBeGreaterThan(20);
  expect(sources('gpu-backend').length).toBeGreaterThan(5);
});
