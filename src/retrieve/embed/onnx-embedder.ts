/**
 * An ONNX sentence encoder in the worker: our own bag of tokens
 * (`models/recipe/embedder`), or any BERT-style export of Hugging Face. Which of
 * them it is, the graph's inputs and outputs say.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import { type Session, Tensor } from '../../onnx/runtime.ts';
import { cachedEncoder } from '../../store/word-cache.ts';
import type { Embedder, Embedding } from './embedder.ts';

/** Texts a run: bounds the memory of one, texts beside each other being padded alike. */
const TEXTS_A_RUN = 32;
/** A BERT's positions; a bag has none, and is bounded by the texts it is given. */
const MAX_POSITIONS = 512;

interface Encoded {
  ids: readonly number[];
  /** What each id counts. */
  weights: readonly number[];
  tokens: number;
}

/** Throws when the graph has none of the inputs and outputs that are known. */
export async function createOnnxEmbedder(
  id: string,
  session: Session,
  tokenizerJson: object,
): Promise<Embedder> {
  const tokenizer = new Tokenizer(tokenizerJson, {});
  const isBag = session.inputNames.includes('token_weights');
  const output = ['sentence_embedding', 'last_hidden_state'].find((name) =>
    session.outputNames.includes(name),
  );
  if (output === undefined || !session.inputNames.includes('input_ids')) {
    throw new Error(
      `the embedder ${id} must take input_ids and give sentence_embedding or last_hidden_state`,
    );
  }
  const encodeWords = isBag ? cachedEncoder(tokenizer) : null;

  function encode(text: string): Encoded {
    const ids = encodeWords
      ? encodeWords(text)
      : tokenizer.encode(text, { add_special_tokens: !isBag }).ids;
    if (isBag) return bagOf(ids);
    const kept = ids.slice(0, MAX_POSITIONS);
    return { ids: [...kept], weights: Array.from(kept, () => 1), tokens: kept.length };
  }

  async function run(batch: readonly Encoded[]): Promise<Float32Array[]> {
    const width = Math.max(1, ...batch.map(({ ids }) => ids.length));
    const ids = new BigInt64Array(batch.length * width);
    const weights = new Float32Array(batch.length * width);
    batch.forEach((text, row) => {
      for (let i = 0; i < text.ids.length; i++) {
        ids[row * width + i] = BigInt(text.ids[i]!);
        weights[row * width + i] = text.weights[i]!;
      }
    });
    const shape = [batch.length, width];
    const mask = () => BigInt64Array.from(weights, (weight) => (weight > 0 ? 1n : 0n));
    const inputs: Record<string, () => InstanceType<typeof Tensor>> = {
      input_ids: () => new Tensor('int64', ids, shape),
      token_weights: () => new Tensor('float32', weights, shape),
      attention_mask: () => new Tensor('int64', mask(), shape),
      token_type_ids: () => new Tensor('int64', new BigInt64Array(ids.length), shape),
    };
    const feeds = Object.fromEntries(session.inputNames.map((name) => [name, inputs[name]!()]));
    const result = (await session.run(feeds))[output!]!;
    const data = result.data as Float32Array;
    const size = result.dims[result.dims.length - 1]!;
    return batch.map((text, row) =>
      result.dims.length === 2
        ? data.slice(row * size, (row + 1) * size)
        : meanOf(data.subarray(row * width * size, (row + 1) * width * size), text, size),
    );
  }

  async function embed(texts: readonly string[]): Promise<Embedding[]> {
    const encoded = texts.map((text, index) => ({ index, ...encode(text) }));
    // Texts of like length together: little padding.
    encoded.sort((a, b) => a.ids.length - b.ids.length);
    const embeddings: Embedding[] = new Array(texts.length);
    for (let from = 0; from < encoded.length; from += TEXTS_A_RUN) {
      const batch = encoded.slice(from, from + TEXTS_A_RUN);
      const vectors = await run(batch);
      batch.forEach(({ index, tokens }, row) => {
        embeddings[index] = { vector: unit(vectors[row]!), tokens };
      });
    }
    return embeddings;
  }

  const [probe] = await embed(['dimensions']);
  return { id, dimensions: probe!.vector.length, embed };
}

/** Each token once, counting 1 + ln of how often it stands there, as in training. */
function bagOf(ids: ArrayLike<number>): Encoded {
  const counts = new Map<number, number>();
  for (let i = 0; i < ids.length; i++) counts.set(ids[i]!, (counts.get(ids[i]!) ?? 0) + 1);
  return {
    ids: [...counts.keys()],
    weights: Array.from(counts.values(), (count) => 1 + Math.log(count)),
    tokens: ids.length,
  };
}

/** Mean over the tokens that are not padding. @param states [width, size] */
function meanOf(states: Float32Array, { ids }: Encoded, size: number): Float32Array {
  const mean = new Float32Array(size);
  for (let token = 0; token < ids.length; token++) {
    for (let i = 0; i < size; i++) mean[i]! += states[token * size + i]! / ids.length;
  }
  return mean;
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  // A text without words: 0 / 0 in the graph.
  if (!(length > 0)) return new Float32Array(vector.length);
  return vector.map((value) => value / length);
}
