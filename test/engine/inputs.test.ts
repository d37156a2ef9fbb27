/** A device is given a step's inputs as they are when they are bound. */
import koffi from 'koffi';
import { expect, it, vi } from 'vitest';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { Binding } from '../../gpu-backend/ort/inference-session.ts';
import { treeRow } from './driver.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();

// CUDA and WebGPU copy a tensor of host memory in BindInput, not in the run.
it('binds tokens, positions and masks when they are filled', async () => {
  const engine = await openEngine(SMALL, { slots: 1, maxContext: 64, threads: 1, cacheFolder });
  const slot = engine.acquire(Int32Array.of(1), 64, 'alone')!;
  await engine.step([treeRow(slot, [9, 9, 9], [-1, 0, 1])]);
  const bound = new Map<string, bigint[]>();
  const input = Binding.prototype.input;
  const spy = vi.spyOn(Binding.prototype, 'input').mockImplementation(function (
    this: Binding,
    name,
    tensor,
  ) {
    if (name === 'input_ids' || name === 'position_ids' || name === 'logit_rows') {
      const bytes = koffi.view(tensor.address, 8 * tensor.shape.at(-1)!);
      bound.set(name, [...new BigInt64Array(bytes.slice(0))]);
    }
    input.call(this, name, tensor);
  });
  await engine.step([treeRow(slot, [5, 6, 7], [-1, 0, 0])]);
  spy.mockRestore();
  expect(Object.fromEntries(bound)).toEqual({
    input_ids: [5n, 6n, 7n],
    position_ids: [0n, 1n, 1n],
    logit_rows: [0n, 1n, 2n],
  });
  engine.close();
});
