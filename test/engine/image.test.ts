/** What the Dockerfile copies is all that the verifier needs, and compose sets only what is read. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { temporaryFolder } from './models.ts';

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const image = temporaryFolder();

/** Sources of the last stage's COPY lines that come from the repository. */
function copied(): string[] {
  const [lastStage = ''] = read('gpu-backend/Dockerfile').split('\nFROM ').slice(-1);
  return [...lastStage.matchAll(/^COPY (?!--from)(\S+) /gm)].map(([, path]) => path!);
}

it('starts from the files that are copied into the image', async () => {
  const paths = copied();
  expect(paths).toContain('gpu-backend');
  for (const path of paths) {
    mkdirSync(dirname(join(image, path)), { recursive: true });
    cpSync(join(ROOT, path), join(image, path), {
      recursive: true,
      filter: (source) => !source.endsWith('node_modules'),
    });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(image, 'node_modules'));
  const verifier = spawn(process.execPath, ['--import', 'tsx', 'gpu-backend/main.ts'], {
    cwd: image,
    env: { PATH: process.env.PATH, PORT: '0', ESPALIER_THREADS: '1', ESPALIER_MAX_CONTEXT: '256' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let url: string | undefined;
    for await (const line of createInterface(verifier.stdout)) {
      url = /ready at (http:\S+),/.exec(line)?.[1];
      if (url) break;
    }
    const response = await fetch(`${url}/health`);
    expect(await response.json()).toMatchObject({ status: 'ok' });
  } finally {
    verifier.kill('SIGKILL');
  }
}, 60_000);

it('lets every copied path through .dockerignore', () => {
  const kept = read('gpu-backend/Dockerfile.dockerignore').split('\n');
  for (const path of copied()) expect(kept).toContain(`!${path}`);
});

it('is set up by variables that are read', () => {
  const readers = ['gpu-backend/main.ts', 'gpu-backend/engine/settings.ts'].map(read).join('\n');
  const names = [...read('gpu-backend/compose.yaml').matchAll(/^ {6}([A-Z_]+):/gm)];
  expect(names.length).toBeGreaterThan(5);
  for (const [, name] of names) expect(readers).toContain(name);
});
