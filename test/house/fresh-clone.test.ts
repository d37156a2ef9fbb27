/** What is documented runs on a clone in which nothing is installed yet. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../../local/root.ts';

const run = promisify(execFile);

/** A clone without packages, and a program in npm's place that brings them and says so. */
function freshClone() {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-clone-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const path of ['bin', 'local', 'package.json', 'package-lock.json']) {
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  // What is behind a link finds its packages in this repository.
  for (const path of ['src', 'gpu-backend']) symlinkSync(join(ROOT, path), join(folder, path));
  const npm = join(folder, 'npm');
  const packages = join(ROOT, 'node_modules');
  writeFileSync(npm, `#!/bin/sh\necho "added 215 packages"\nln -s '${packages}' node_modules\n`);
  chmodSync(npm, 0o755);
  return { folder, env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` } };
}

test('npx espalier installs first, and prints nothing of that among its own output', async () => {
  const { folder, env } = freshClone();
  const command = [join(folder, 'bin/espalier.mjs'), 'key', '--help'];
  const first = await run(process.execPath, command, { env });
  expect(first.stderr).toMatch(/^Installing packages .*\nadded 215 packages\n/);
  expect(first.stdout).toMatch(/^Usage:\n {2}npx espalier key create/);
  const second = await run(process.execPath, command, { env });
  expect(second).toEqual({ stdout: first.stdout, stderr: '' });
});

test('every script that runs TypeScript installs first', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const running = Object.entries<string>(scripts).filter(([, line]) => /\btsx\b/.test(line));
  expect(running.length).toBeGreaterThan(20);
  const bare = running.filter(([, line]) => !line.startsWith('node local/install.mjs && tsx '));
  expect(bare.map(([name]) => name)).toEqual([]);
});
