/** float16 on WebGPU: that it is asked for, that an adapter without it is told apart, and what it saves. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { WIDTH_STEP } from '../../gpu-backend/engine/lane.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { webGpuFault } from '../../gpu-backend/ort/webgpu.ts';
import { ROOT } from '../../local/root.ts';
import { SMALL, temporaryFolder } from './models.ts';

const folder = temporaryFolder();
const SOURCE = fileURLToPath(new URL('./fixtures/without-float16.c', import.meta.url));
const [driver] = (process.env.VK_ICD_FILENAMES ?? '').split(':');
/** The adapter that lacks float16 is the one named by .ci/fetch-vulkan, behind a driver that gcc compiles. */
const cannotHide =
  !driver || spawnSync('gcc', ['--version']).status !== 0 || webGpuFault() !== null;

it.skipIf(cannotHide)(
  'is refused with what to set where the adapter has none, before weights are converted',
  () => {
    const cacheFolder = join(folder, 'refused');
    const opening = `
      import { readdirSync } from 'node:fs';
      import { addModel } from './gpu-backend/builder/add-model.ts';
      import { openEngine } from './gpu-backend/engine/open.ts';
      const [model, cacheFolder] = process.argv.slice(1);
      const common = { slots: 1, maxContext: 64, threads: 1, cacheFolder, provider: 'webgpu' };
      const half = { ...common, compute: 'float16' };
      console.log('added:', await addModel(model, half).catch(String));
      console.log('opened:', await openEngine(model, half).catch(String));
      console.log('written:', readdirSync(cacheFolder));
      (await openEngine(model, common)).close();
      console.log('float32: opened');
    `;
    const { stdout } = withoutFloat16([
      '--input-type=module',
      '--eval',
      opening,
      SMALL,
      cacheFolder,
    ]);
    const refusal =
      'UnsupportedModelError: float16 on a WebGPU adapter without shader-f16 is not supported; ' +
      'supported: float32: set ESPALIER_TYPE=float32 or leave it out';
    expect(stdout).toContain(
      `added: ${refusal}\nopened: ${refusal}\nwritten: [ 'models' ]\nfloat32: opened`,
    );
  },
  240_000,
);

it.skipIf(cannotHide)(
  'ends the verifier’s start where ESPALIER_TYPE asks for it and the adapter has none',
  () => {
    const asked = { ESPALIER_PROVIDER: 'webgpu', ESPALIER_TYPE: 'float16', PORT: '0' };
    const { status, stderr } = withoutFloat16(['gpu-backend/main.ts'], asked);
    expect(status).toBe(1);
    expect(stderr).toContain('set ESPALIER_TYPE=float32 or leave it out');
  },
  240_000,
);

it('holds twice the tokens in the same memory', async () => {
  const [tokens, layers, width] = [192 + WIDTH_STEP, 2, 32];
  const fourSlots = 4 * 2 * layers * width * 2 * tokens;
  const held = async (compute: 'float32' | 'float16') => {
    const form = { slots: 4, maxContext: 192, threads: 1, attention: 'grouped' } as const;
    const options = { ...form, cacheFolder: join(folder, 'memory'), memoryBytes: fourSlots };
    const engine = await openEngine(SMALL, { ...options, compute });
    const { pools } = engine.parts;
    engine.close();
    const bytes = pools.flatMap(({ blocks }) => blocks.map((block) => block.bytes));
    return {
      bytes: bytes.reduce((sum, size) => sum + size, 0),
      tokens: pools.reduce((sum, { slots, stride }) => sum + slots * stride, 0),
    };
  };
  expect(await held('float16')).toEqual({ bytes: fourSlots, tokens: 4 * tokens });
  const plain = await held('float32');
  expect(plain.bytes).toBeLessThanOrEqual(fourSlots);
  expect(plain.tokens).toBeLessThanOrEqual(2 * tokens);
});

/** Runs Node on a machine whose only adapter is the driver's, without float16. */
function withoutFloat16(command: string[], settings: Record<string, string> = {}) {
  const { ICD } = JSON.parse(readFileSync(driver!, 'utf8'));
  const library = join(folder, 'without-float16.so');
  const named = `-DDRIVER="${ICD.library_path}"`;
  spawnSync('gcc', ['-shared', '-fPIC', named, SOURCE, '-o', library], { stdio: 'inherit' });
  const listed = join(folder, 'without-float16.json');
  writeFileSync(
    listed,
    JSON.stringify({ file_format_version: '1.0.0', ICD: { ...ICD, library_path: library } }),
  );
  return spawnSync(process.execPath, ['--import', 'tsx', ...command], {
    cwd: ROOT,
    encoding: 'utf8',
    // A verifier that was not refused would stay.
    timeout: 120_000,
    env: { ...process.env, ...settings, VK_ICD_FILENAMES: listed },
  });
}
