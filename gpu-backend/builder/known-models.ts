/** Models that go by a short name wherever a model is named. */

interface KnownModel {
  /** On the Hugging Face hub. */
  hub: string;
  /** Megabytes of the download, and that the verifier's process grows by when the model is opened as it is stored by default. */
  download: number;
  memory: number;
  licence: string;
  /** In what form its weights have run; the download itself has not, and size and memory of the untried are computed. */
  tried: 'as a GGUF file' | null;
}

export const KNOWN_MODELS: Readonly<Record<string, KnownModel>> = {
  'smollm2-135m': {
    hub: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    download: 270,
    memory: 350,
    licence: 'Apache-2.0',
    tried: 'as a GGUF file',
  },
  'smollm2-360m': {
    hub: 'HuggingFaceTB/SmolLM2-360M-Instruct',
    download: 725,
    memory: 900,
    licence: 'Apache-2.0',
    tried: null,
  },
  'qwen2.5-coder-0.5b': {
    hub: 'Qwen/Qwen2.5-Coder-0.5B-Instruct',
    download: 990,
    memory: 1200,
    licence: 'Apache-2.0',
    tried: 'as a GGUF file',
  },
};

/** A short name's place on the hub; anything else as it is. */
export function placeOf(source: string): string {
  const name = source.toLowerCase();
  return Object.hasOwn(KNOWN_MODELS, name) ? KNOWN_MODELS[name]!.hub : source;
}
