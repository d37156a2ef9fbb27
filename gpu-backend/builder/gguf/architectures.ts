/** The architectures of GGUF files that Espalier reads, by `general.architecture`. */
import { UnsupportedModelError } from '../unsupported.ts';

export interface GgufArchitecture {
  /** The same architecture in a Hugging Face config.json. */
  className: string;
  modelType: string;
  /**
   * llama.cpp rotates neighbouring dimensions where checkpoints rotate halves of
   * a head, so its converter interleaves the rows of q and k.
   */
  interleavedRotary: boolean;
}

const ARCHITECTURES: Record<string, GgufArchitecture> = {
  llama: { className: 'LlamaForCausalLM', modelType: 'llama', interleavedRotary: true },
  mistral: { className: 'MistralForCausalLM', modelType: 'mistral', interleavedRotary: true },
  qwen2: { className: 'Qwen2ForCausalLM', modelType: 'qwen2', interleavedRotary: false },
  qwen3: { className: 'Qwen3ForCausalLM', modelType: 'qwen3', interleavedRotary: false },
};

/** Throws UnsupportedModelError for any other. */
export function architectureOf(name: string): GgufArchitecture {
  if (Object.hasOwn(ARCHITECTURES, name)) return ARCHITECTURES[name]!;
  throw new UnsupportedModelError(
    `GGUF architecture "${name}"`,
    Object.keys(ARCHITECTURES).join(', '),
  );
}
