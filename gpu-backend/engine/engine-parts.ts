/** What an engine is made of: a model's graphs on a device, the caches, and the limits that follow from them. */
import type { AttentionForm } from '../builder/attention-kernel.ts';
import type { PreparedModel } from '../builder/prepare.ts';
import type { DecoderGraphs } from './decoder-graphs.ts';
import type { EngineLimits } from './engine.ts';
import type { KvCopier } from './kv-copy.ts';
import type { KvPool } from './kv-pool.ts';
import type { LeastRows } from './lane.ts';
import type { SlotTable } from './slots.ts';
import type { StepOutputs } from './step-outputs.ts';

export interface EngineParts {
  prepared: PreparedModel;
  limits: EngineLimits;
  graphs: DecoderGraphs;
  attention: AttentionForm;
  pools: readonly KvPool[];
  slots: SlotTable;
  copier: KvCopier;
  outputs: readonly StepOutputs[];
  /** That compute a run; 0 on a device. */
  threads: number;
  /** Whether lanes are shared by neighbouring slots. */
  sharedLanes: boolean;
  /** Whether lanes of steps are padded to few shapes. */
  fixedShapes: boolean;
  leastRows: LeastRows;
  /** Embeddings of the prompt tokens that rows may have; undefined for none. */
  promptTokens: Float32Array | undefined;
  /** The most likely tokens of a row that the graph itself gives. */
  topInGraph: number;
  /** Rows of a step up to which a device multiplies matrices as they lie. */
  packedRows: number;
  /** Rows of a session that one run takes; a step of more takes several. */
  mostRows: number;
  /** Frees what the parts above use. */
  release: () => void;
}
