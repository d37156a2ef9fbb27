/** What must be known of an ONNX encoder beside its files: `manifest.json`. */
import * as v from 'valibot';

const hexHash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a hex sha256'));

export const manifestSchema = v.strictObject({
  /** Names the weights: vectors of different ids are never compared. */
  id: v.pipe(
    v.string(),
    v.regex(/^[\w.:@/-]{1,128}$/, 'must be 1 to 128 letters, digits or .:@/-'),
  ),
  dimensions: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4_096)),
  /** `sentence`: the graph gives the text's vector; else how it is made of the tokens' states. */
  pooling: v.picklist(['sentence', 'mean', 'cls']),
  /** Tokens of a text that are read, special ones included; null: all. */
  maxTokens: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(8))),
  /** Put before a question and before a passage, where the encoder was trained so. */
  queryPrefix: v.string(),
  passagePrefix: v.string(),
  /** Hex sha256 of model.onnx and tokenizer.json. */
  files: v.strictObject({ model: hexHash, tokenizer: hexHash }),
});

export type Manifest = v.InferOutput<typeof manifestSchema>;
