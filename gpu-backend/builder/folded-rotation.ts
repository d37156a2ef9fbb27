/**
 * A checkpoint's tensors as they are when its residual stream is rotated. Norms'
 * weights move into the matrices after them, since a rotation passes a norm only
 * where all its weights are equal.
 */
import { Rotation } from './rotation.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { readRows } from './tensor-reader.ts';

/** Matrices that read the stream, and the norm before each. */
const NORM_BEFORE: Record<string, string> = {
  q_proj: 'input_layernorm',
  k_proj: 'input_layernorm',
  v_proj: 'input_layernorm',
  gate_proj: 'post_attention_layernorm',
  up_proj: 'post_attention_layernorm',
};
const WRITERS = /\.(o_proj|down_proj)\.(weight|bias)$/;
const FINAL_NORM = 'model.norm.weight';
const HEAD = 'lm_head.weight';

export class FoldedRotation {
  private readonly rotation: Rotation;
  private readonly stored: ReadonlyMap<string, StoredTensor>;
  /** The table that tokens are looked up in; a tied head reads it too. */
  private readonly table: string;

  constructor(hiddenSize: number, stored: ReadonlyMap<string, StoredTensor>, table: string) {
    this.rotation = new Rotation(hiddenSize);
    this.stored = stored;
    this.table = table;
  }

  /** A matrix's rows. One that writes the stream comes whole, as its columns are turned. */
  *rows(tensor: StoredTensor): Generator<Float32Array> {
    const { rotation } = this;
    if (WRITERS.test(tensor.name)) {
      const whole = readWhole(tensor);
      rotation.turnColumns(whole);
      yield whole;
      return;
    }
    const norm = this.normBefore(tensor.name);
    const gains = norm ? readWhole(this.tensor(norm)) : null;
    for (const rows of readRows(tensor)) {
      if (gains) for (let i = 0; i < rows.length; i++) rows[i]! *= gains[i % gains.length]!;
      if (gains || tensor.name === this.table) rotation.turnRows(rows);
      yield rows;
    }
  }

  /** A norm's weights or a bias. */
  vector(tensor: StoredTensor): Float32Array {
    const values = readWhole(tensor);
    if (/(^model\.|layer)norm\.weight$/.test(tensor.name)) return values.fill(1);
    if (WRITERS.test(tensor.name)) this.rotation.turnRows(values);
    return values;
  }

  /** What the final norm multiplies by, in the stream's own directions. */
  finalGains(): Float32Array {
    return readWhole(this.tensor(FINAL_NORM));
  }

  private normBefore(name: string): string | null {
    if (name === this.table) return null;
    if (name === HEAD) return FINAL_NORM;
    const [, layer, matrix] = /^(model\.layers\.\d+)\.\w+\.(\w+)\.weight$/.exec(name) ?? [];
    const norm = NORM_BEFORE[matrix ?? ''];
    return norm ? `${layer}.${norm}.weight` : null;
  }

  private tensor(name: string): StoredTensor {
    const tensor = this.stored.get(name);
    if (!tensor) throw new Error(`the checkpoint has no tensor "${name}"`);
    return tensor;
  }
}

/** All values of a tensor. */
function readWhole(tensor: StoredTensor): Float32Array {
  const pieces = [...readRows(tensor)];
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
