/** Where an engine computes when that is left to the machine. */
import { existsSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import {
  findProvider,
  servedOn,
  settingsOn,
  webGpuOrCpu,
} from '../../gpu-backend/engine/choose-provider.ts';
import { webGpuFault } from '../../gpu-backend/ort/webgpu.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const withoutWebGpu = webGpuFault() !== null;

it('is the first of CUDA, WebGPU and the CPU that can be used, and what cannot is told', async () => {
  const said: string[] = [];
  const { name, why } = await findProvider({ threads: 1 }, (line) => said.push(line));
  expect(said.length).toBe({ cuda: 0, webgpu: 1, cpu: 2 }[name]);
  for (const line of said) expect(line).toMatch(/cannot be used: .*ESPALIER_PROVIDER=cpu/);
  expect(why).toMatch(/^auto: /);
  expect(name === 'cpu').toBe(withoutWebGpu && name !== 'cuda');
});

it('is the CPU for a model that WebGPU cannot run, and that is not kept', async () => {
  const model = readModelFolder(SMALL);
  const choice = await webGpuOrCpu(model, cacheFolder, {
    threads: 1,
    cacheFolder,
    quantization: 'int8',
  });
  expect(choice.name).toBe('cpu');
  expect(choice.why).toMatch(/int8 on WebGPU/);
  expect(findings()).toEqual([]);
});

it('is the CPU for a model that CUDA cannot run, and says why', () => {
  const cuda = { name: 'cuda', why: 'auto: CUDA can be used' } as const;
  const { name, why } = servedOn(cuda, 'int8');
  expect(name).toBe('cpu');
  expect(why).toMatch(/^auto: int8 on CUDA is not supported/);
  expect(servedOn(cuda, 'int4')).toBe(cuda);
  const webgpu = { name: 'webgpu', why: 'auto: CUDA cannot be used' } as const;
  expect(servedOn(webgpu, 'int8')).toBe(webgpu);
});

it.skipIf(withoutWebGpu)(
  'is measured once for a type',
  async () => {
    const model = readModelFolder(SMALL);
    const options = { threads: 1, cacheFolder };
    const choice = await webGpuOrCpu(model, cacheFolder, options);
    expect(choice.why).toMatch(
      /^auto: steps of 1 and 16 rows took .* on WebGPU and .* on the CPU$/,
    );
    expect(findings()).toHaveLength(1);
    expect(await webGpuOrCpu(model, cacheFolder, options)).toEqual(choice);
    const inHalf = await webGpuOrCpu(model, cacheFolder, { ...options, compute: 'float16' });
    expect(inHalf.why).toMatch(/took .* on WebGPU and .* on the CPU$/);
    expect(inHalf).not.toEqual(choice);
  },
  240_000,
);

it('asks a GPU for the type, and not a CPU', () => {
  const asked = { threads: 1, compute: 'float16' } as const;
  expect(settingsOn('cpu', asked)).toEqual({ threads: 1, provider: 'cpu' });
  expect(settingsOn('webgpu', asked)).toEqual({ ...asked, provider: 'webgpu' });
});

function findings(): string[] {
  if (!existsSync(cacheFolder)) return [];
  return readdirSync(cacheFolder).filter((name) => name.startsWith('provider-'));
}
