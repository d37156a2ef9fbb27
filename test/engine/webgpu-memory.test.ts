/** On WebGPU too nothing is left behind. A software driver's device memory is this process's own. */
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { webGpuFault } from '../../gpu-backend/ort/webgpu.ts';
import { settledMemory, steps } from './memory.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const open = () =>
  openEngine(SMALL, { slots: 3, maxContext: 128, threads: 1, cacheFolder, provider: 'webgpu' });

describe.skipIf(webGpuFault() !== null)('on WebGPU', () => {
  it('memory stays flat over steps', async () => {
    const engine = await open();
    await steps(engine, 1_000);
    const before = await settledMemory();
    await steps(engine, 1_500);
    const grown = (await settledMemory()) - before;
    engine.close();
    // A leaked OrtValue takes some 200 bytes, and a step makes about ten.
    expect(grown).toBeLessThan(2 * 2 ** 20);
  }, 400_000);

  it('opening and closing leaves nothing behind', async () => {
    // The driver keeps what it frees, up to some 150 MB after sixty openings.
    for (let i = 0; i < 60; i++) (await open()).close();
    const before = await settledMemory();
    for (let i = 0; i < 40; i++) (await open()).close();
    const grown = (await settledMemory()) - before;
    // A graph with its programs takes half a megabyte, and the driver's own caches come and go.
    expect(grown).toBeLessThan(16 * 2 ** 20);
  }, 400_000);
});
