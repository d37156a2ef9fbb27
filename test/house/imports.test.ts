/** Who may import whom: the rule of the house, read off the source. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';

/** Each room, and what of the house it may import beside itself. */
const ALLOWED: Record<string, string[]> = {
  'src/draft': [],
  'src/link/frames': ['src/draft'],
  'src/link': ['src/link/frames', 'src/draft'],
  'src/store': ['src/bindings.ts'],
  'src/onnx': [],
  'src/retrieve': ['src/store', 'src/onnx', 'src/bindings.ts', 'models/embedder/manifest.json'],
  'src/generate': [
    'models/draft/edge.onnx',
    'models/draft/edge.json',
    'src/onnx',
    'src/retrieve',
    'src/draft',
    'src/link',
    'src/link/frames',
    'src/store',
    'src/bindings.ts',
  ],
  'src/api': [
    'package.json',
    'src/generate',
    'src/retrieve',
    'src/draft',
    'src/link',
    'src/link/frames',
    'src/store',
    'src/bindings.ts',
  ],
  'gpu-backend': ['src/draft', 'src/link/frames'],
};

/** Rooms by path, the most particular first. */
const ROOMS = Object.keys(ALLOWED).sort((a, b) => b.length - a.length);

function roomOf(path: string): string {
  return ROOMS.find((room) => path.startsWith(`${room}/`)) ?? path;
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
  expect([...breaches('src'), ...breaches('gpu-backend')]).toEqual([]);
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
  for (const path of sources('src/link/frames')) {
    expect(readFileSync(path, 'utf8')).not.toMatch(/new WebSocket|process\.|Buffer\.|fetch\(/);
  }
});

test('the rule is read off real files', () => {
  expect(sources('src').length).toBeGreaterThan(20);
  expect(sources('gpu-backend').length).toBeGreaterThan(5);
});
