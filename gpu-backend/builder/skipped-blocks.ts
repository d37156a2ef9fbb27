/**
 * A model without some of its attentions and MLPs drafts for the whole (SWIFT, 2410.06916).
 * The paper searches for them while it answers, on what was just said. Here they are found
 * before the serving (`models/recipe/skip_layers.py`), and their names are all that the
 * file has: "3a 7m" leaves out the attention of layer 3 and the MLP of layer 7.
 */
import { type DecoderBlock, layersOf } from './decoder-options.ts';
import type { PreparedModel } from './prepare.ts';
import { readSafetensorsFile } from './safetensors.ts';
import { requireTarget } from './trained-file.ts';
import type { ModelPart } from './trained-layer.ts';

const LETTERS: Readonly<Record<DecoderBlock['kind'], string>> = { attention: 'a', mlp: 'm' };
const NAME = /^(\d{1,6})[am]$/;
/** Characters of a name that an error quotes. */
const QUOTED = 20;

/** Throws an Error that names what of `file` does not fit the model. */
export function skippedBlocks(prepared: PreparedModel, file: string): ModelPart {
  const { metadata } = readSafetensorsFile(file);
  requireTarget(metadata, prepared, file);
  const all = layersOf(0, prepared.model.config.layers);
  const gone = readNames(metadata.without, all.length / 2, file);
  const blocks = all.filter((block) => !gone.has(nameOf(block)));
  if (blocks.every(({ kind }) => kind !== 'attention')) {
    throw new Error(`${file} leaves out every attention: one at least has to remain`);
  }
  return { layout: prepared.layout, vocabulary: null, blocks, features: false };
}

function nameOf({ kind, layer }: DecoderBlock): string {
  return `${layer}${LETTERS[kind]}`;
}

function readNames(without: unknown, layers: number, file: string): Set<string> {
  const gone = new Set<string>();
  // One more than there are blocks: so many can't all differ.
  for (const name of String(without ?? '').split(' ', 2 * layers + 1)) {
    const quoted = `"${name.slice(0, QUOTED)}"`;
    const [, digits] = NAME.exec(name) ?? [];
    if (digits === undefined || String(Number(digits)) !== digits) {
      throw new Error(
        `${file}: ${quoted} in \`without\` names no block; "7a" is the attention of layer 7, "7m" its MLP`,
      );
    }
    if (Number(digits) >= layers) {
      throw new Error(`${file} leaves out ${quoted}, and the model's last layer is ${layers - 1}`);
    }
    if (gone.has(name)) throw new Error(`${file} leaves out ${quoted} twice`);
    gone.add(name);
  }
  return gone;
}
