/** What the bench of the engine measures, by name. */
import { attentionCost } from './attention.ts';
import { batching } from './batching.ts';
import { commits } from './commits.ts';
import { memory, overhead } from './overhead.ts';
import { prefill, prefixReuse } from './prefill.ts';
import { againstOnnxruntimeNode } from './rivals.ts';
import { stepCosts } from './step-cost.ts';

export const PARTS = {
  steps: stepCosts,
  attention: attentionCost,
  batch: batching,
  prefill,
  prefix: prefixReuse,
  overhead,
  commit: commits,
  rival: againstOnnxruntimeNode,
  memory,
};

export type Part = keyof typeof PARTS;
export type Results = { [P in Part]?: Awaited<ReturnType<(typeof PARTS)[P]>> };
