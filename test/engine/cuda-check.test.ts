/** What `npm run check:cuda` reads from a trace, and what it finds wrong with it. */
import { describe, expect, it } from 'vitest';
import {
  captureFaults,
  commitFaults,
  readFaults,
  refusalFaults,
  replayFaults,
  sharingFaults,
  stepFaults,
  unpackFaults,
} from '../../bench/cuda/limits.ts';
import { readTrace } from '../../bench/cuda/trace.ts';

const TRACE = `allocate 512
# open
copy host-device 1000
copy host-device 24
# step of 1
copy host-device 8
launch kernel_a 1,1,1 32,1,1
launch kernel_a 1,1,1 32,1,1
product cublasGemmEx
copy device-pinned 400
call cublasSetStream_v2
wait
# second graph
copy host-device 100
`;

const SHAPE = {
  layers: 1,
  layerCalls: {
    products: 5,
    packed: 0,
    splits: 1,
    rotations: 1,
    biases: 0,
    headNorms: 0,
    turns: 0,
    ofStep: 1,
  },
  sessions: 1,
};

describe('readTrace', () => {
  it('counts calls by the parts that were marked', () => {
    const step = readTrace(TRACE).get('step of 1')!;
    expect(step).toMatchObject({
      launches: 2,
      products: 1,
      uploads: 1,
      downloads: 1,
      moves: 0,
      waits: 1,
    });
    expect([...step.kernels]).toEqual([['kernel_a', 2]]);
  });

  it('keeps the last part of a name', () => {
    const twice = `${TRACE}# open\ncopy host-device 7\n`;
    expect(readTrace(twice).get('open')!.uploadedBytes).toBe(7);
  });
});

describe('limits', () => {
  const parts = readTrace(TRACE);
  const step = parts.get('step of 1')!;

  it('find nothing wrong with a step of few calls', () => {
    expect(stepFaults('step', step, SHAPE)).toEqual([]);
  });

  it('allow what a model has beside its products, and several slots', () => {
    const launches = (count: number) => ({ ...step, launches: count });
    const biased = { ...SHAPE, layers: 2, layerCalls: { ...SHAPE.layerCalls, biases: 3 } };
    expect(stepFaults('step', launches(18), SHAPE)).toEqual([]);
    expect(stepFaults('step', launches(19), SHAPE)).toHaveLength(1);
    expect(stepFaults('step', launches(34), biased)).toEqual([]);
    expect(stepFaults('step', launches(35), biased)).toHaveLength(1);
    expect(stepFaults('step', launches(20), { ...SHAPE, sessions: 2 })).toEqual([]);
    expect(stepFaults('step', launches(21), { ...SHAPE, sessions: 2 })).toHaveLength(1);
  });

  it('hold products apart from kernels, and those with unpacked matrices to steps of many rows', () => {
    const products = (count: number) => ({ ...step, launches: 0, products: count });
    const quantised = { ...SHAPE, layerCalls: { ...SHAPE.layerCalls, products: 0, packed: 4 } };
    expect(stepFaults('step', products(6), SHAPE)).toEqual([]);
    expect(stepFaults('step', products(7), SHAPE)).toEqual([
      'step: 7 products, at most 6 are expected',
    ]);
    expect(stepFaults('step', products(1), quantised)).toEqual([]);
    expect(stepFaults('step', products(2), quantised)).toHaveLength(1);
    expect(stepFaults('step', products(5), { ...quantised, sessions: 2 })).toEqual([]);
    expect(stepFaults('step', products(6), { ...quantised, sessions: 2 })).toHaveLength(1);
  });

  it.each([
    ['launches', 1000],
    ['products', 1000],
    ['uploads', 6],
    ['downloads', 2],
    ['downloadedBytes', 6144],
    ['pageable', 1],
    ['moves', 1],
    ['waits', 3],
  ])('name %s beyond what is expected', (what, found) => {
    expect(stepFaults('step', { ...step, [what]: found }, SHAPE)).toEqual([
      expect.stringContaining(`${found} ${what}`),
    ]);
  });

  it('tell a row of logits that comes with others, and one that does not come', () => {
    const read = { ...step, launches: 0, products: 0, uploads: 0, downloadedBytes: 400 };
    expect(readFaults(read, 100)).toEqual([]);
    expect(readFaults({ ...read, downloadedBytes: 800 }, 100)).toHaveLength(2);
    expect(readFaults({ ...read, waits: 2 }, 100)).toEqual([
      'a row that is read: 2 waits, at most 1 are expected',
    ]);
    expect(readFaults({ ...read, downloads: 0, downloadedBytes: 0 }, 100)).toEqual([
      'a row that is read did not come',
    ]);
  });

  it('take a replayed step for one launch, one copy each way, and a wait for each of the three', () => {
    const replayed = { ...step, launches: 1, products: 0, uploads: 1, downloads: 1, waits: 3 };
    expect(replayFaults('replay', replayed)).toEqual([]);
    expect(replayFaults('replay', { ...replayed, launches: 2 })).toEqual([
      'replay: 2 launches, at most 1 are expected',
    ]);
    expect(replayFaults('replay', { ...replayed, products: 1 })).toHaveLength(1);
    expect(replayFaults('replay', { ...replayed, waits: 4 })).toEqual([
      'replay: 4 waits, at most 3 are expected',
    ]);
    expect(replayFaults('replay', { ...replayed, captures: 1 })).toHaveLength(1);
  });

  it('tell a capture that did not happen, and one that no device would take', () => {
    expect(captureFaults({ ...step, captures: 1 })).toEqual([]);
    expect(captureFaults(step)).toEqual(['capture: no graph was captured']);
    expect(captureFaults({ ...step, captures: 1, forbidden: 2 })).toEqual([
      'capture: 2 forbidden, at most 0 are expected',
    ]);
  });

  it('tell a refused capture that is tried again, or the last of all', () => {
    const another = { ...step, captures: 1 };
    expect(refusalFaults(step, another, 1)).toEqual([]);
    expect(refusalFaults({ ...step, captures: 1 }, another, 1)).toEqual([
      'steps with a refused capture: 1 captures, at most 0 are expected',
    ]);
    expect(refusalFaults({ ...step, launches: 0 }, another, 1)).toHaveLength(1);
    expect(refusalFaults(step, step, 1)).toEqual(['capture: no graph was captured']);
  });

  it('tell a step that unpacks its matrices', () => {
    const kernels = new Map([
      ['_ZN21Dequantize4BitsKernelI6__half', 24],
      ['_ZN21Dequantize8BitsKernelI6__half', 1],
    ]);
    expect(unpackFaults('step', step)).toEqual([]);
    expect(unpackFaults('step', { ...step, kernels })).toEqual([
      'step: 24 matrices of 4 bits were unpacked',
    ]);
  });

  it('tell a branch that is moved row by row', () => {
    expect(commitFaults({ ...step, waits: 8 }, 2)).toEqual([]);
    expect(commitFaults({ ...step, waits: 10 }, 2)).toEqual([expect.stringContaining('10 waits')]);
    expect(commitFaults({ ...step, moves: 24 }, 2)).toEqual([expect.stringContaining('24 moves')]);
  });

  it('tell a graph that uploads its matrices again', () => {
    const second = parts.get('second graph')!;
    const again = { ...second, uploadedBytes: 4e6 };
    expect(sharingFaults(second, 4e6)).toEqual([]);
    expect(sharingFaults(again, 4e6)).toEqual([expect.stringContaining('not shared')]);
    // A model too small to tell.
    expect(sharingFaults(again, 1000)).toEqual([]);
  });
});
