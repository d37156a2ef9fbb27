/** What `espalier model check --exact` found, noted in a model's manifest for each form that it was run in. */
import type { Device } from '../ort/tensor.ts';
import type { AttentionForm } from './attention-kernel.ts';
import type { Quantization } from './quantization.ts';
import type { ComputeType } from './tensor-reader.ts';

/** What decides which kernels a model runs on: in another form a check says nothing. */
export interface RunForm {
  provider: Device['name'];
  quantization: Quantization;
  compute: ComputeType;
  attention: AttentionForm;
}

export interface NotedCheck extends RunForm {
  passed: boolean;
}

/** Whether the last check in this form found a node that differs. */
export function isRefuted(noted: Notes, form: RunForm): boolean {
  return checksOf(noted).some((check) => !check.passed && isSame(check, form));
}

/** `noted` with a check more, in place of an earlier one in the same form. */
export function withCheck(noted: Notes, check: NotedCheck): NotedCheck[] {
  return [...checksOf(noted).filter((one) => !isSame(one, check)), check];
}

type Notes = readonly NotedCheck[] | undefined;

/** Manifests from before there was a list of notes have another value there. */
function checksOf(noted: Notes): readonly NotedCheck[] {
  return Array.isArray(noted) ? noted : [];
}

function isSame(a: RunForm, b: RunForm): boolean {
  return (
    a.provider === b.provider &&
    a.quantization === b.quantization &&
    a.compute === b.compute &&
    a.attention === b.attention
  );
}
