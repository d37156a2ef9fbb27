/** Turns that are decoded at once, with drafters that are asked whatever they cost or with none. */
import { Decoder } from '../../bench/drafters/decode.ts';
import { countingClock, withFreeNodes } from '../../bench/drafters/free-nodes.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import type { LocalDrafters } from '../../gpu-backend/drafters/local-drafters.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { turnOf } from '../support/turn.ts';

/** What each of the turns said, and the steps of all of them. */
export async function decodeAtOnce(
  engine: OrtEngine,
  prompts: readonly (readonly number[])[],
  maxTokens: number,
  drafters: LocalDrafters | null,
  temperature: number,
): Promise<{ texts: number[][]; steps: number }> {
  const nucleus = new Nucleus(engine.limits.vocabSize);
  const free = withFreeNodes(engine);
  const decoder = new Decoder(free, nucleus, countingClock(), drafters ?? undefined);
  const decoded = await Promise.all(
    prompts.map((prompt, i) => {
      const turn = turnOf({
        prompt: Int32Array.from(prompt),
        namespace: `${i}`,
        warp: { temperature, topK: 0, topP: 1 },
        seed: [9, i],
        maxTokens,
      });
      return decoder.decode(turn, drafters?.seat(turn) ?? null);
    }),
  );
  await decoder.close();
  return {
    texts: decoded.map(({ tokens }) => tokens),
    steps: decoded.reduce((sum, { steps }) => sum + steps, 0),
  };
}
