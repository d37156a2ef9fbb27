/**
 * Cloudflare's own text embeddings as an `Embedder`, through the `AI` binding.
 * Unproven: tested against a stand-in for the binding, since the real one needs an account.
 */
import type { TextEmbeddings } from '../../bindings.ts';
import type { Embedder, Embedding, Role } from './embedder.ts';

/** Texts a call takes. */
const MAX_TEXTS = 100;
/** The service does not say how many tokens it read; in English about so many characters are one. */
const CHARACTERS_A_TOKEN = 4;
/** The bge family was trained with this before questions, and nothing before passages. */
const BGE_QUERY = 'Represent this sentence for searching relevant passages: ';

/** Asks for one vector to learn their size. Throws when the model gives none. */
export async function createWorkersAiEmbedder(
  ai: TextEmbeddings,
  model: string,
): Promise<Embedder> {
  const queryPrefix = /\/bge-(small|base|large)-en/.test(model) ? BGE_QUERY : '';

  async function vectorsOf(text: string[]): Promise<number[][]> {
    const answer = (await ai.run(model, { text })) as { data?: unknown };
    const data = answer?.data;
    if (Array.isArray(data) && data.length === text.length && data.every(Array.isArray))
      return data;
    throw new Error(`${model} gave no vector a text: is it a model of text embeddings?`);
  }

  async function embed(texts: readonly string[], role?: Role): Promise<Embedding[]> {
    const prefix = role === 'query' ? queryPrefix : '';
    const embeddings: Embedding[] = [];
    for (let from = 0; from < texts.length; from += MAX_TEXTS) {
      const part = texts.slice(from, from + MAX_TEXTS);
      // It refuses a text without characters, which has no meaning anyway.
      const vectors = await vectorsOf(
        part.map((text) => prefix + (text.trim() === '' ? '.' : text)),
      );
      part.forEach((text, i) => {
        const vector =
          text.trim() === '' ? new Float32Array(vectors[i]!.length) : unit(vectors[i]!);
        embeddings.push({ vector, tokens: Math.ceil(text.length / CHARACTERS_A_TOKEN) });
      });
    }
    return embeddings;
  }

  const [probe] = await vectorsOf(['dimensions']);
  const id = `workers-ai:${model}`;
  return { id, space: id, dimensions: probe!.length, embed };
}

function unit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => (length > 0 ? value / length : 0));
}
