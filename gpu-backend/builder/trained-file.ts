/** What the file of every drafter that `npx espalier draft train` makes says of itself: its kind, and whose it is. */
import type { PreparedModel } from './prepare.ts';
import { readSafetensorsFile } from './safetensors.ts';

/**
 * What a file holds: a layer over the model's last hidden states (EAGLE's line), heads over
 * them, a layer that follows its first layers, prompt tokens, or the names of blocks that it
 * drafts without.
 */
const KINDS = ['feature', 'hydra', 'kangaroo', 'ppd', 'swift'] as const;
export type TrainedKind = (typeof KINDS)[number];

/** Throws an Error for a file that says nothing of the kind. */
export function trainedKind(file: string): TrainedKind {
  const { kind } = readSafetensorsFile(file).metadata;
  const known = KINDS.find((one) => one === kind);
  if (known) return known;
  throw new Error(
    `${file} is not a trained drafter: its metadata has ${kind === undefined ? 'no `kind`' : `the kind ${kind}`}. ` +
      'Train one with npx espalier draft train',
  );
}

/** Another model's drafter would be opened without complaint, and nothing be accepted. */
export function requireTarget(
  { weights, target }: Readonly<Record<string, string>>,
  { model }: Pick<PreparedModel, 'model'>,
  file: string,
): void {
  const { name, fingerprints } = model.manifest;
  if (weights === fingerprints.weights) return;
  throw new Error(
    `${file} was trained for ${target ?? 'a model that it does not name'}, not for ${name}: ` +
      `train one with npx espalier draft train`,
  );
}
