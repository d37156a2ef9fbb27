/**
 * Draft heads that read each other's tokens (Hydra, 2402.05109; `models/recipe/hydra.py`):
 * read from their file and checked against the model. Head k reads the model's last hidden
 * state and the embeddings of the k tokens behind it, and says what comes then.
 */
import { FINAL_NORM } from './convert.ts';
import type { PreparedModel } from './prepare.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { type ModelPart, trainedWeights } from './trained-layer.ts';

/** Heads that a file may have: each is larger than the one before, and is right less often. */
const MOST_PLACES = 8;
/** Of a file; the graph calls it as it calls the model's. */
const NORM = 'norm.weight';

export interface HydraHeads extends Pick<ModelPart, 'layout' | 'vocabulary'> {
  places: number;
}

/** What file and graph call the layer of head `place`, from 1 on. */
export function headName(place: number): string {
  return `heads.${place}`;
}

/** Throws an Error that names what of `file` does not fit the model. */
export function hydraHeads(prepared: PreparedModel, file: string): HydraHeads {
  const { hiddenSize } = prepared.model.config;
  const { layout, vocabulary, metadata } = trainedWeights(prepared, file, (read) => {
    const shapes = shapesOf(placesIn(read.metadata, file), hiddenSize);
    checkTensors(read.tensors, shapes, file);
    return read.tensors.map((one) => (one.name === NORM ? { ...one, name: FINAL_NORM } : one));
  });
  return { layout, vocabulary, places: placesIn(metadata, file) };
}

function placesIn({ places }: Readonly<Record<string, string>>, file: string): number {
  const count = /^\d$/.test(String(places)) ? Number(places) : 0;
  if (count >= 1 && count <= MOST_PLACES) return count;
  throw new Error(`${file}: places must be 1 to ${MOST_PLACES}, not ${places}`);
}

function shapesOf(places: number, hiddenSize: number): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>([[NORM, [hiddenSize]]]);
  for (let place = 1; place <= places; place++) {
    shapes.set(`${headName(place)}.weight`, [hiddenSize, (1 + place) * hiddenSize]);
    shapes.set(`${headName(place)}.bias`, [hiddenSize]);
  }
  return shapes;
}

/** A tensor more would be of heads that compute something else, such as those with attention before them. */
function checkTensors(
  tensors: readonly StoredTensor[],
  shapes: ReadonlyMap<string, readonly number[]>,
  file: string,
): void {
  for (const { name, shape } of tensors) {
    const expected = shapes.get(name);
    if (!expected) throw new Error(`${file}: "${name}" is no tensor of Hydra's heads`);
    if (expected.join() !== shape.join()) {
      throw new Error(
        `${file}: "${name}" is [${shape.join(', ')}], the model asks for [${expected.join(', ')}]`,
      );
    }
  }
  const there = new Set(tensors.map(({ name }) => name));
  for (const name of shapes.keys()) {
    if (!there.has(name)) throw new Error(`${file} has no tensor "${name}"`);
  }
}
