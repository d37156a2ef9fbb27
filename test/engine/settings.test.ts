/** The environment sets the engine up, or is refused with the variable's name. */
import { describe, expect, it } from 'vitest';
import { planBuckets } from '../../gpu-backend/engine/budget.ts';
import { computeTypeFor } from '../../gpu-backend/engine/open.ts';
import { readDraftSettings, readEngineSettings } from '../../gpu-backend/engine/settings.ts';
import { cudaProviderOptions } from '../../gpu-backend/ort/cuda.ts';

describe('settings from the environment', () => {
  it('are empty where nothing is set', () => {
    expect(readEngineSettings({})).toEqual({ provider: 'cpu' });
  });

  it('are read', () => {
    const settings = readEngineSettings({
      ESPALIER_PROVIDER: 'cuda',
      ESPALIER_CUDA_DEVICE: '1',
      ESPALIER_CUDA_MEMORY: '70G',
      ESPALIER_CUDA_GRAPHS: 'true',
      ESPALIER_SLOTS: '64',
      ESPALIER_KV_MEMORY: '24G',
      ESPALIER_MAX_CONTEXT: '32768',
    });
    expect(settings).toMatchObject({
      provider: 'cuda',
      cuda: { deviceId: 1, memoryBytes: 70 * 2 ** 30 },
      cudaGraphs: true,
      slots: 64,
      memoryBytes: 24 * 2 ** 30,
      maxContext: 32768,
    });
  });

  it('name WebGPU, or leave the provider to the machine', () => {
    expect(readEngineSettings({ ESPALIER_PROVIDER: 'webgpu' }).provider).toBe('webgpu');
    const auto = readEngineSettings({ ESPALIER_PROVIDER: 'auto', ESPALIER_CUDA_DEVICE: '2' });
    expect(auto).toMatchObject({ provider: 'cpu', auto: true, cuda: { deviceId: 2 } });
    const beside = readDraftSettings({ ESPALIER_PROVIDER: 'auto' }, 'webgpu');
    expect(beside.provider).toBe('webgpu');
  });

  it('name the type that a GPU computes in', () => {
    const asked = { ESPALIER_PROVIDER: 'webgpu', ESPALIER_TYPE: 'float16' };
    expect(computeTypeFor(readEngineSettings(asked))).toBe('float16');
    expect(readEngineSettings({ ...asked, ESPALIER_PROVIDER: 'auto' }).compute).toBe('float16');
    const typeOn = (provider: string, type?: string) =>
      computeTypeFor(readEngineSettings({ ESPALIER_PROVIDER: provider, ESPALIER_TYPE: type }));
    expect(typeOn('webgpu')).toBe('float32');
    expect(typeOn('cuda')).toBe('float16');
    expect(typeOn('cuda', 'float32')).toBe('float32');
    expect(() => typeOn('cpu', 'float16')).toThrow(
      'ESPALIER_TYPE is "float16"; it must be float32 on a CPU: set ESPALIER_PROVIDER to cuda, webgpu or auto',
    );
    expect(readDraftSettings({ ...asked, ESPALIER_DRAFT_PROVIDER: 'cpu' }).compute).toBe(undefined);
    expect(readDraftSettings(asked, 'webgpu').compute).toBe('float16');
  });

  it('let the drafter beside the engine run elsewhere than the target', () => {
    const target = { ESPALIER_PROVIDER: 'cuda', ESPALIER_THREADS: '4' };
    expect(readDraftSettings(target).provider).toBe('cuda');
    const beside = readDraftSettings({ ...target, ESPALIER_DRAFT_PROVIDER: 'cpu' });
    expect(beside).toMatchObject({ provider: 'cpu', threads: 4 });
    expect(() => readDraftSettings({ ESPALIER_DRAFT_PROVIDER: 'tpu' })).toThrow(
      'ESPALIER_DRAFT_PROVIDER is "tpu"',
    );
    const replayed = { ...target, ESPALIER_CUDA_GRAPHS: 'true' };
    expect(readDraftSettings({ ...replayed, ESPALIER_DRAFT_PROVIDER: 'cpu' }).cudaGraphs).toBe(
      undefined,
    );
  });

  it.each([
    ['ESPALIER_PROVIDER', 'rocm'],
    ['ESPALIER_TYPE', 'bfloat16'],
    ['ESPALIER_CUDA_DEVICE', '-1'],
    ['ESPALIER_CUDA_MEMORY', 'all'],
    ['ESPALIER_CUDA_GRAPHS', 'yes'],
    ['ESPALIER_THREADS', '0'],
    ['ESPALIER_SLOTS', 'many'],
    ['ESPALIER_KV_MEMORY', '24T'],
    ['ESPALIER_MAX_CONTEXT', '1e9'],
  ])('%s=%s is refused by name', (name, value) => {
    const environment = { ESPALIER_PROVIDER: 'cuda', [name]: value };
    expect(() => readEngineSettings(environment)).toThrow(`${name} is "${value}"`);
  });
});

describe('the memory for keys and values', () => {
  const request = { bytesPerToken: 1000, maxContext: 4096, slots: 16, tail: 32 };
  const used = (buckets: { slots: number; capacity: number }[]) =>
    buckets.reduce((sum, { slots, capacity }) => sum + slots * (capacity + 32) * 1000, 0);

  it('holds all slots at full length where it can', () => {
    expect(planBuckets({ ...request, memoryBytes: 1e9 })).toEqual([{ slots: 16, capacity: 4096 }]);
  });

  it.each([5e6, 1e7, 2e7, 4e7, 6e7])('is never exceeded: %i bytes', (memoryBytes) => {
    const buckets = planBuckets({ ...request, memoryBytes });
    expect(used(buckets)).toBeLessThanOrEqual(memoryBytes);
    expect(buckets.at(-1)!.capacity).toBeGreaterThanOrEqual(request.maxContext);
    expect(buckets.reduce((sum, { slots }) => sum + slots, 0)).toBeLessThanOrEqual(16);
  });

  it('goes to more, shorter slots where it is short', () => {
    const buckets = planBuckets({ ...request, memoryBytes: 2e7 });
    expect(buckets).toEqual([
      { slots: 11, capacity: 1024 },
      { slots: 2, capacity: 4096 },
    ]);
  });
});

describe('the CUDA provider', () => {
  it('is told the device and the limit of the settings, in bytes', () => {
    const { cuda } = readEngineSettings({
      ESPALIER_PROVIDER: 'cuda',
      ESPALIER_CUDA_DEVICE: '3',
      ESPALIER_CUDA_MEMORY: '70G',
    });
    expect(cudaProviderOptions(cuda!)).toEqual({
      device_id: '3',
      arena_extend_strategy: 'kSameAsRequested',
      enable_cuda_graph: '0',
      gpu_mem_limit: '75161927680',
    });
  });

  it('captures graphs where runs are to be replayed', () => {
    const { cuda } = readEngineSettings({ ESPALIER_PROVIDER: 'cuda' });
    expect(cudaProviderOptions(cuda!, true)).toMatchObject({ enable_cuda_graph: '1' });
  });

  it('is told no limit where none is set', () => {
    const { cuda } = readEngineSettings({ ESPALIER_PROVIDER: 'cuda' });
    expect(cudaProviderOptions(cuda!)).not.toHaveProperty('gpu_mem_limit');
  });
});
