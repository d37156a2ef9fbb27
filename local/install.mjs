/**
 * Installs what package-lock.json asks for, if it is not there yet. Plain
 * JavaScript without dependencies: it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const OLDEST_NODE = [20, 19];

export function install() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`Espalier needs Node ${OLDEST_NODE.join('.')} or later; this is ${process.version}.`);
  }
  if (isInstalled()) return;
  // What the command itself prints may be piped on: a key, or a benchmark's JSON.
  console.error('Installing packages (once, about a minute) …');
  const { status, error } = spawnSync('npm', ['ci', '--no-progress', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    fail(
      `npm ci failed${error ? `: ${error.message}` : ''}. Check that the npm registry can be reached ` +
        '(npm ping), then start again.',
    );
  }
}

/** Whether node_modules holds the versions of package-lock.json; npm records what it installed in a lock of its own. */
function isInstalled() {
  let installed;
  try {
    installed = packagesOf(join(root, 'node_modules/.package-lock.json'));
  } catch {
    return false;
  }
  const wanted = packagesOf(join(root, 'package-lock.json'));
  return Object.entries(wanted).every(
    ([path, { version, optional, link }]) =>
      !path.startsWith('node_modules/') || optional || link || installed[path]?.version === version,
  );
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) install();
