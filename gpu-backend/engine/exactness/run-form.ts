/** The form that an engine runs its model in, for which alone a check of exactness holds. */
import type { RunForm } from '../../builder/noted-check.ts';
import type { EngineParts } from '../engine-parts.ts';

export function runFormOf({ prepared, graphs, attention }: EngineParts): RunForm {
  return {
    provider: graphs.device.name,
    quantization: prepared.quantization,
    compute: prepared.layout.compute,
    attention,
  };
}
