/**
 * An ONNX sentence encoder in the worker: our own bag of tokens
 * (`models/recipe/embedder`), or any BERT-style export of Hugging Face. Which of
 * them it is, the graph's inputs and outputs say.
 */
import { type LinearTokenizer, linearTokenizer } from '../../model/linear-tokenizer.ts';
import { TokenList } from '../../model/token-list.ts';
import { type InferenceSession, Tensor } from '../../onnx/runtime.ts';
import { pause, runAtOnce } from '../../pause.ts';
import { isSpaced } from '../unspaced.ts';
import type { Embedder, Embedding, Role, TokenVectors } from './embedder.ts';
import { encodeAll } from './encode-all.ts';
import { isHashed, withHashedWords } from './hashed-words.ts';
import type { Manifest } from './manifest.ts';

/**
 * A run's texts, and their tokens with padding: what attention needs grows with both,
 * and an isolate has 128 MB for everything.
 */
const TEXTS_A_RUN = 32;
const TOKENS_A_RUN = 2_048;

/** A bag's output of its tokens' own vectors. */
const TOKEN_STATES = 'token_states';

interface Encoded {
  ids: readonly number[];
  /** What each id counts. */
  weights: readonly number[];
  tokens: number;
}

/** Throws when the graph is not what the manifest says. */
export async function createOnnxEmbedder(
  manifest: Manifest,
  session: InferenceSession,
  tokenizerJson: object,
): Promise<Embedder> {
  const { id, dimensions, maxTokens } = manifest;
  const linear = linearTokenizer(tokenizerJson, {});
  const { tokenizer } = linear;
  const isBag = session.inputNames.includes('token_weights');
  const hasTokens = isBag && session.outputNames.includes(TOKEN_STATES);
  const output = outputOf(session, manifest);

  const bare = bareTokens(session, linear);
  const tokens = hasTokens ? withHashedWords(bare, dimensions) : bare;

  function encode(text: string): Encoded {
    if (isBag) return bagOf(tokens.encode(text));
    const { ids } = tokenizer.encode(text);
    const kept = shorten(ids, maxTokens ?? ids.length);
    return { ids: kept, weights: Array.from(kept, () => 1), tokens: kept.length };
  }

  /** A bag is made of the ids themselves, unless their text has words that ids don't name; what reads a sequence requires its own tokens around them. */
  function encodeIds(ids: readonly number[]): Encoded {
    const text = tokenizer.decode([...ids], { skip_special_tokens: true });
    if (!isBag) return encode(text);
    return hasTokens && !isSpaced(text) ? { ...encode(text), tokens: ids.length } : bagOf(ids);
  }

  const byGraph = vectorsByGraph(session, manifest, output);
  const vectorsOf = hasTokens ? withSums(byGraph, tokens, dimensions) : byGraph;

  async function embed(texts: readonly string[], role?: Role): Promise<Embedding[]> {
    const prefix = role === undefined ? '' : manifest[`${role}Prefix`];
    return embedAll(await encodeAll(texts, (text) => encode(prefix + text)), vectorsOf);
  }

  // Finds out at once whether the graph runs and gives what the manifest says.
  await embed(['dimensions']);
  const ids = {
    has: (token: number) => tokenizer.id_to_token(token) !== undefined,
    embed: async (lists: readonly (readonly number[])[]) =>
      embedAll(await encodeAll(lists, encodeIds), vectorsOf),
  };
  const space = hasTokens ? `${id}+bigrams` : id;
  return { id, space, dimensions, embed, ids, ...(hasTokens && { tokens }) };
}

/** The vectors of a text's tokens, as the graph gives them. */
function bareTokens(
  session: InferenceSession,
  { tokenizer, words }: LinearTokenizer,
): TokenVectors {
  return {
    encode(text) {
      if (!words) return tokenizer.encode(text, { add_special_tokens: false }).ids;
      const tokens = new TokenList();
      runAtOnce(words.encode(text, tokens));
      return tokens.toArray();
    },
    async vectors(ids) {
      const list = { ids, weights: Array.from(ids, () => 1), tokens: ids.length };
      return (await runGraph(session, [list], TOKEN_STATES)).data as Float32Array;
    },
  };
}

/** The vectors of a run's texts, of any length. */
type VectorsOf = (run: readonly Encoded[]) => Promise<Float32Array[]>;

function vectorsByGraph(session: InferenceSession, manifest: Manifest, output: string): VectorsOf {
  const { id, dimensions, pooling } = manifest;
  return async function graphVectors(run) {
    const result = await runGraph(session, run, output);
    const data = result.data as Float32Array;
    if (result.dims[result.dims.length - 1] !== dimensions) {
      throw new Error(
        `${id} gives ${result.dims.at(-1)} dimensions, its manifest says ${dimensions}`,
      );
    }
    // Of a text's states, [width, dimensions], or its one vector.
    const stride = data.length / run.length;
    return run.map((text, row) => {
      const states = data.subarray(row * stride, (row + 1) * stride);
      return pooling === 'mean' ? meanOf(states, text, dimensions) : states.slice(0, dimensions);
    });
  };
}

/** Bags with words that the graph has no row for are summed here, others by the graph. */
function withSums(byGraph: VectorsOf, tokens: TokenVectors, dimensions: number): VectorsOf {
  async function sums(run: readonly Encoded[]): Promise<Float32Array[]> {
    const rows = new Map([...new Set(run.flatMap(({ ids }) => ids))].map((id, row) => [id, row]));
    const vectors = await tokens.vectors([...rows.keys()]);
    return run.map(({ ids, weights }) => {
      const sum = new Float32Array(dimensions);
      ids.forEach((id, at) => {
        const from = rows.get(id)! * dimensions;
        for (let i = 0; i < dimensions; i++) sum[i]! += weights[at]! * vectors[from + i]!;
      });
      return sum;
    });
  }
  return async function vectorsOf(run) {
    const mixed = run.filter(isMixed);
    if (mixed.length === 0) return byGraph(run);
    const others = run.filter((text) => !isMixed(text));
    const summed = (await sums(mixed)).values();
    const rest = (others.length > 0 ? await byGraph(others) : []).values();
    return run.map((text) => (isMixed(text) ? summed : rest).next().value!);
  };
}

function isMixed({ ids }: Encoded): boolean {
  return ids.some(isHashed);
}

/** In the order of the texts. */
async function embedAll(texts: readonly Encoded[], vectorsOf: VectorsOf): Promise<Embedding[]> {
  const encoded = texts.map((text, index) => ({ index, ...text }));
  // Texts of like length together: little padding.
  encoded.sort((a, b) => a.ids.length - b.ids.length);
  const embeddings: Embedding[] = new Array(texts.length);
  for (const batch of runsOf(encoded)) {
    // Others' requests are answered between runs: one blocks the thread they share.
    if (batch[0] !== encoded[0]) await pause();
    const vectors = await vectorsOf(batch);
    batch.forEach(({ index, tokens }, row) => {
      embeddings[index] = { vector: unit(vectors[row]!), tokens };
    });
  }
  return embeddings;
}

/** One of the graph's outputs for texts, padded to the longest. */
async function runGraph(session: InferenceSession, batch: readonly Encoded[], output: string) {
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
  return (await session.run(feeds, [output]))[output]!;
}

/** Where a text's vector, or its tokens' states, come out. */
function outputOf(
  { inputNames, outputNames }: InferenceSession,
  { id, pooling }: Manifest,
): string {
  const wanted = pooling === 'sentence' ? 'sentence_embedding' : 'last_hidden_state';
  // Some exports call their states otherwise; with one output there is no doubt.
  const found = outputNames.includes(wanted) ? wanted : outputNames[0];
  if (inputNames.includes('input_ids') && (found === wanted || outputNames.length === 1)) {
    return found!;
  }
  throw new Error(`${id} must take input_ids and give ${wanted}, not ${outputNames.join(', ')}`);
}

/** The first tokens and the last one, which ends a BERT's text. */
function shorten(ids: readonly number[], most: number): readonly number[] {
  return ids.length <= most ? ids : [...ids.slice(0, most - 1), ids[ids.length - 1]!];
}

/** As many texts as a run may have, the shortest first. */
function* runsOf<Text extends Encoded>(sorted: readonly Text[]): Generator<Text[]> {
  let run: Text[] = [];
  for (const text of sorted) {
    const tooMuch = (run.length + 1) * text.ids.length > TOKENS_A_RUN;
    if (run.length > 0 && (run.length === TEXTS_A_RUN || tooMuch)) {
      yield run;
      run = [];
    }
    run.push(text);
  }
  if (run.length > 0) yield run;
}

/** Each token once, counting 1 + ln of how often it occurs, as in training. */
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
  // A sum is ten times as fast as `Math.hypot` of so many arguments.
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! ** 2;
  const length = Math.sqrt(squares);
  const scaled = new Float32Array(vector.length);
  // A text without words: 0 / 0 in the graph.
  if (!(length > 0)) return scaled;
  for (let i = 0; i < vector.length; i++) scaled[i] = vector[i]! / length;
  return scaled;
}
