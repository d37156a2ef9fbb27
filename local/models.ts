/** What `npm start -- --help` says. */
import { KNOWN_MODELS } from '../gpu-backend/builder/known-models.ts';

export const MODELS_HELP = `Usage: npm start [-- --model MODEL]

MODEL is a .gguf file, a checkpoint's folder, an OWNER/NAME on the Hugging Face hub, or one of

${Object.entries(KNOWN_MODELS)
  .map(
    ([name, { hub, download, memory, licence, tried }]) =>
      `  ${name.padEnd(20)} ${hub}, ${licence}: ${download} MB to download, ${memory} MB of memory, ${tried ? `tried ${tried}` : 'not tried'}`,
  )
  .join('\n')}

Without it a small model answers that comes with Espalier and needs no network.`;
