/** What the options of an engine come to for its model. */
import type { AttentionForm } from '../builder/attention-kernel.ts';
import type { DecoderBlock } from '../builder/decoder-options.ts';
import type { CudaOptions } from '../ort/cuda.ts';
import type { WebGpuOptions } from '../ort/webgpu.ts';
import type { Bucket, BudgetRequest } from './budget.ts';
import type { KvShape } from './kv-pool.ts';

export interface EnginePlan {
  shape: KvShape;
  request: BudgetRequest;
  buckets: readonly Bucket[];
  attention: AttentionForm;
  threads: number;
  /** Lanes over several slots; null for lanes of one slot. */
  sharedLanes: number | null;
  /** Lanes of steps are padded to few shapes. */
  fixedShapes: boolean;
  /** Runs on CUDA may be captured and replayed. */
  replayed: boolean;
  foldHeads: boolean;
  hiddenOutput: boolean;
  /** Logits stay on the device until they are read. */
  keptLogits: boolean;
  /** The most likely tokens of a row that the graph gives. */
  top: number;
  /** Blocks of a row of logits whose largest the graph gives; 0 for none. */
  peaks: number;
  /** Whether rows read hidden states. */
  features: boolean;
  /** Embeddings of prompt tokens; undefined for none. */
  promptTokens: Float32Array | undefined;
  modelBlocks: readonly DecoderBlock[];
  /** Logits of a row. */
  logits: number;
  /** undefined on a CPU. */
  cuda: CudaOptions | undefined;
  webgpu: WebGpuOptions | undefined;
}
