/** Models that `npm start -- --model NAME` knows by a short name. */

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

const KNOWN: Record<string, KnownModel> = {
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

export const MODELS_HELP = `Usage: npm start [-- --model MODEL]

MODEL is a .gguf file, a checkpoint's folder, an OWNER/NAME on the Hugging Face hub, or one of

${Object.entries(KNOWN)
  .map(
    ([name, { hub, download, memory, licence, tried }]) =>
      `  ${name.padEnd(20)} ${hub}, ${licence}: ${download} MB to download, ${memory} MB of memory, ${tried ? `tried ${tried}` : 'not tried'}`,
  )
  .join('\n')}

Without it a small model answers that comes with Espalier and needs no network.`;

/** What the verifier is told to load: a short name's place on the hub, anything else as it is. */
export function modelNamed(asked: string): string {
  const name = asked.toLowerCase();
  return Object.hasOwn(KNOWN, name) ? KNOWN[name]!.hub : asked;
}
