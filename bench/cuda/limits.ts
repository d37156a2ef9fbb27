/** What a step may cost on CUDA in calls, and what breaks that. */
import type { LayerCalls } from './layer-calls.ts';
import type { PartCost } from './trace.ts';

/** Kernels of a layer on one lane, beside its `LayerCalls`: two scatters, two of attention, two sums with their norms, two of the gate. */
const LAUNCHES_A_LAYER = 8;
/** Of attention over several slots: their lengths, and slots of length 0. */
const LAUNCHES_OF_LENGTHS = 2;
/** The table and its norm, the mask, the wanted rows, the type of logits, two for the most likely tokens. */
const LAUNCHES_A_STEP = 7;
/** The head. */
const PRODUCTS_A_STEP = 1;
/** Tokens, positions, wanted rows, the mask, and where each slot's rows go. */
const UPLOADS_A_STEP = 5;
/** Where the rows of each of several slots end. */
const UPLOADS_OF_LENGTHS = 1;
/** Each row's most likely tokens. Logits stay: a row of the smallest vocabularies is as long as these of some rows. */
const DOWNLOADS_A_STEP = 1;
const DOWNLOADED_BYTES_A_STEP = 4096;
const BYTES_PER_FLOAT = 4;
/** For what is downloaded, and for the end of the run. */
const WAITS_A_STEP = 2;
/** For the copy of the inputs, for the graph, and for the copy of what it found: each is made when the last is over. */
const WAITS_A_REPLAY = 3;

/** What no step may cost, and what every step may. */
const ALWAYS = {
  downloads: DOWNLOADS_A_STEP,
  downloadedBytes: DOWNLOADED_BYTES_A_STEP,
  // The driver copies such memory once more.
  pageable: 0,
  // Caches are written where they lie; a copy within the device would be a cache.
  moves: 0,
  captures: 0,
  forbidden: 0,
};

/** A step of as many rows as are multiplied with blocks as they lie, of each session. */
export interface StepShape {
  layers: number;
  layerCalls: LayerCalls;
  /** All in one lane. */
  sessions: number;
}

/** A step's, over one lane; each in a sentence, none where all is well. */
export function stepFaults(name: string, cost: PartCost, shape: StepShape): string[] {
  const { layers, layerCalls, sessions } = shape;
  const { products, packed, splits, rotations, biases, headNorms, turns, ofStep } = layerCalls;
  const several = sessions > 1;
  const ofLengths = several ? LAUNCHES_OF_LENGTHS : 0;
  const ofModel = packed + splits + rotations + biases + headNorms + turns;
  return faultsBeyond(name, cost, {
    ...ALWAYS,
    launches: layers * (LAUNCHES_A_LAYER + ofModel + ofLengths) + LAUNCHES_A_STEP + ofStep,
    products: layers * (products + (several ? packed : 0)) + PRODUCTS_A_STEP,
    uploads: UPLOADS_A_STEP + (several ? UPLOADS_OF_LENGTHS : 0),
    waits: WAITS_A_STEP,
  });
}

/** A row of logits that is read comes in one copy, into memory that the driver keeps in place. */
export function readFaults(cost: PartCost, vocabSize: number): string[] {
  const bytes = vocabSize * BYTES_PER_FLOAT;
  const faults = faultsBeyond('a row that is read', cost, {
    ...ALWAYS,
    downloadedBytes: bytes,
    launches: 0,
    products: 0,
    uploads: 0,
    waits: 1,
  });
  return cost.downloadedBytes === bytes ? faults : [...faults, 'a row that is read did not come'];
}

/** A replayed step is one launch, of inputs that come in one copy. */
export function replayFaults(name: string, cost: PartCost): string[] {
  return faultsBeyond(name, cost, {
    ...ALWAYS,
    launches: 1,
    products: 0,
    uploads: 1,
    waits: WAITS_A_REPLAY,
  });
}

/** A capture that ONNX Runtime gave up is none, and one that does what CUDA forbids fails on a device. */
export function captureFaults(cost: PartCost): string[] {
  const faults = faultsBeyond('capture', cost, { forbidden: 0 });
  return cost.captures > 0 ? faults : [...faults, 'capture: no graph was captured'];
}

/** Steps of a shape whose capture CUDA refuses are launched kernel by kernel, and are captured no more. */
export function refusalFaults(refused: PartCost, another: PartCost, layers: number): string[] {
  const name = 'steps with a refused capture';
  const faults = faultsBeyond(name, refused, { captures: 0, forbidden: 0 });
  if (refused.launches < layers) faults.push(`${name}: ${refused.launches} launches, too few`);
  return [...faults, ...captureFaults(another)];
}

type Countable = Exclude<keyof PartCost, 'kernels'>;

function faultsBeyond(
  name: string,
  cost: PartCost,
  limits: Partial<Record<Countable, number>>,
): string[] {
  return Object.entries(limits).flatMap(([what, limit]) => {
    const found = cost[what as Countable];
    return found > limit ? [`${name}: ${found} ${what}, at most ${limit} are expected`] : [];
  });
}

/** Kernels that unpack a layer's matrix of 4 bits before it is multiplied. */
const UNPACKS = /Dequantize4Bits/;

/** A step of few rows multiplies blocks as they lie. */
export function unpackFaults(name: string, { kernels }: PartCost): string[] {
  const unpacked = [...kernels].filter(([kernel]) => UNPACKS.test(kernel));
  const count = unpacked.reduce((sum, [, launches]) => sum + launches, 0);
  return count === 0 ? [] : [`${name}: ${count} matrices of 4 bits were unpacked`];
}

/** For the moves of each session's branch together, for the step, and for each session's logits. */
export function commitFaults(cost: PartCost, sessions: number): string[] {
  const limit = WAITS_A_STEP * (sessions + 1) + sessions;
  if (cost.waits <= limit && cost.moves === 0) return [];
  return [
    `commits of ${sessions} branches and a step: ${cost.waits} waits and ${cost.moves} moves, at most ${limit} and 0 are expected`,
  ];
}

/** What a further graph uploads of its own, vectors and a rotary table, is less than this share of the matrices. */
const OWN_SHARE = 0.5;
/** In smaller models the rotary table weighs more than the matrices, and tells nothing. */
const LEAST_MATRIX_BYTES = 2 ** 20;

/** `second` is the loading of a further graph, which reads the first one's matrices. */
export function sharingFaults(second: PartCost, matrixBytes: number): string[] {
  if (matrixBytes < LEAST_MATRIX_BYTES || second.uploadedBytes <= OWN_SHARE * matrixBytes) {
    return [];
  }
  return [
    `a second graph uploaded ${second.uploadedBytes} bytes where matrices have ${matrixBytes}: they are not shared`,
  ];
}
