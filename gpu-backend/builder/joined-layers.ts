/**
 * Layers that read the same rows. Stored as one matrix they are one product: a step
 * of few rows then spends its time on weights, not on starting products.
 */

/** By the name of the whole: its parts, in the order of their outputs. */
const PARTS: Record<string, readonly string[]> = {
  qkv_proj: ['q_proj', 'k_proj', 'v_proj'],
  gate_up_proj: ['gate_proj', 'up_proj'],
};

/** A whole's tensor, and those of its parts. */
export interface Join {
  name: string;
  parts: readonly string[];
}

/** "….self_attn.qkv_proj" → "….self_attn.q_proj", "….k_proj", "….v_proj" */
export function partsOf(layer: string): readonly string[] {
  const [, at, name] = /^(.+\.)(\w+)$/.exec(layer)!;
  return PARTS[name!]!.map((part) => `${at}${part}`);
}

/** The whole that the tensor `name`, a weight or a bias, can be a part of; else null. */
export function joinOf(name: string): Join | null {
  const [, at, part, kind] = /^(.+\.)(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const whole = Object.keys(PARTS).find((each) => PARTS[each]!.includes(part ?? ''));
  if (!whole) return null;
  const parts = partsOf(`${at}${whole}`).map((layer) => `${layer}.${kind}`);
  return { name: `${at}${whole}.${kind}`, parts };
}
