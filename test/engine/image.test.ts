/** What the Dockerfile copies is all that the verifier needs, and compose sets only what is read. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { temporaryFolder } from './models.ts';

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const image = temporaryFolder();

/** What the container runs from. */
function lastStage(): string {
  return read('gpu-backend/Dockerfile').split('\nFROM ').at(-1)!;
}

/** Sources of the last stage's COPY lines that come from the repository. */
function copied(): string[] {
  return [...lastStage().matchAll(/^COPY (?!--from)(\S+) /gm)].map(([, path]) => path!);
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

it('is set up by variables that are read, and passes on all that are', () => {
  const readers = ['gpu-backend/main.ts', 'gpu-backend/engine/settings.ts'].map(read).join('\n');
  const compose = [...read('gpu-backend/compose.yaml').matchAll(/^ {6}([A-Z_]+):/gm)];
  const names = compose.map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) expect(readers).toContain(name);
  // What the image itself decides.
  const decided = ['ESPALIER_PROVIDER'];
  for (const name of decided) expect(lastStage()).toContain(`${name}=`);
  expect([...decided, ...names]).toEqual(
    expect.arrayContaining([...new Set(readers.match(/\bESPALIER_[A-Z_]+\b/g))]),
  );
});

it('installs nothing in its last stage, and leaves root before it starts', () => {
  expect(lastStage()).not.toMatch(/\b(?:npm|pip|apt-get|curl|wget)\b/);
  expect(lastStage()).toMatch(/^USER [1-9]\d*$/m);
  expect(lastStage()).toMatch(/^HEALTHCHECK /m);
});

it('takes the provider of the version of ONNX Runtime that npm installs', () => {
  const { dependencies } = JSON.parse(read('gpu-backend/package.json'));
  expect(read('gpu-backend/cuda-requirements.txt')).toMatch(
    new RegExp(`^onnxruntime-gpu==${dependencies['onnxruntime-node']} --hash=sha256:\\w{64}$`, 'm'),
  );
});

describe('check-image.sh', () => {
  const INSTALLED = JSON.parse(read('node_modules/onnxruntime-node/package.json')).version;
  const CUDA = ['libcublas.so.13', 'libcudart.so.13'];
  const all = CUDA.map((name) => `${name} => /usr/local/cuda/lib64/${name} (0x01)`);
  const driver = 'libcuda.so.1 => not found';

  it('takes a base that lacks nothing but the driver', () => {
    expect(check([driver, ...all])).toMatchObject({ status: 0, stderr: '' });
  });

  it('refuses a base of another CUDA', () => {
    const { status, stderr } = check([driver, all[0]!, 'libcudart.so.13 => not found']);
    expect(status).toBe(1);
    expect(stderr).toContain('libcudart.so.13 => not found');
  });

  it('refuses a provider of another version', () => {
    const { status, stderr } = check([driver, ...all], '1.29.0');
    expect(status).toBe(1);
    expect(stderr).toContain('another version');
  });

  /** Runs it in an image where ldd lists `libraries`. */
  function check(libraries: string[], version = INSTALLED) {
    const folder = mkdtempSync(join(image, 'check-'));
    const parts = ['gpu-backend', 'node_modules/onnxruntime-node', 'bin'];
    for (const part of parts) mkdirSync(join(folder, part), { recursive: true });
    for (const file of ['check-image.sh', 'cuda-requirements.txt']) {
      cpSync(join(ROOT, 'gpu-backend', file), join(folder, 'gpu-backend', file));
    }
    const manifest = JSON.stringify({ version }, null, 2);
    writeFileSync(join(folder, 'node_modules/onnxruntime-node/package.json'), manifest);
    const ldd = `#!/bin/sh\ncat <<'END'\n\t${libraries.join('\n\t')}\nEND\n`;
    writeFileSync(join(folder, 'bin/ldd'), ldd, { mode: 0o755 });
    return spawnSync(join(folder, 'gpu-backend/check-image.sh'), {
      encoding: 'utf8',
      env: { PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
    });
  }
});
