/** A GGUF file's metadata by key, checked for type. Throws GgufError that names the key. */
import { GgufError } from './gguf-error.ts';
import type { MetadataValue } from './header.ts';

export class Metadata {
  private readonly values: ReadonlyMap<string, MetadataValue>;

  constructor(values: ReadonlyMap<string, MetadataValue>) {
    this.values = values;
  }

  get architecture(): string {
    return this.text('general.architecture');
  }

  /** Whatever it is, unless an array. */
  scalar(key: string): number | boolean | string | undefined {
    const value = this.values.get(key);
    return typeof value === 'object' ? undefined : value;
  }

  text(key: string): string {
    return this.optionalText(key) ?? missing(key);
  }

  optionalText(key: string): string | undefined {
    return this.typed(key, 'a string', (value) => typeof value === 'string');
  }

  flag(key: string): boolean | undefined {
    return this.typed(key, 'a boolean', (value) => typeof value === 'boolean');
  }

  number(key: string): number {
    return this.optionalNumber(key) ?? missing(key);
  }

  optionalNumber(key: string): number | undefined {
    // JSON has no NaN: in config.json it would become a default.
    return this.typed(key, 'a finite number', (value): value is number => Number.isFinite(value));
  }

  texts(key: string): readonly string[] {
    return this.optionalTexts(key) ?? missing(key);
  }

  optionalTexts(key: string): readonly string[] | undefined {
    return this.typed(
      key,
      'an array of strings',
      (value): value is readonly string[] =>
        Array.isArray(value) && value.every((item) => typeof item === 'string'),
    );
  }

  optionalNumbers(key: string): readonly number[] | undefined {
    return this.typed(
      key,
      'an array of numbers',
      (value): value is readonly number[] =>
        Array.isArray(value) && value.every((item) => typeof item === 'number'),
    );
  }

  /** "llama.block_count" for "block_count", as the architecture names it. */
  ofArchitecture(key: string): string {
    return `${this.architecture}.${key}`;
  }

  /** What is said of the architecture, by names without it. */
  ownOfArchitecture(): [name: string, value: MetadataValue][] {
    const prefix = this.ofArchitecture('');
    return [...this.values]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]);
  }

  /** A count of the architecture: one number, or one a layer that is the same for all. */
  layerCount(key: string): number {
    return this.optionalLayerCount(key) ?? missing(this.ofArchitecture(key));
  }

  /** Undefined where the file does not say. */
  optionalLayerCount(key: string): number | undefined {
    const full = this.ofArchitecture(key);
    const value = this.values.get(full);
    if (!Array.isArray(value)) return this.optionalNumber(full);
    const [first, ...rest] = this.optionalNumbers(full)!;
    if (rest.some((other) => other !== first)) {
      throw new GgufError(`varies ${full} by layer; supported: one value for all layers`);
    }
    return first;
  }

  /** Dimensions of an attention head, an even number. */
  headDim(): number {
    const dimensions =
      this.optionalNumber(this.ofArchitecture('attention.key_length')) ??
      this.number(this.ofArchitecture('embedding_length')) /
        this.layerCount('attention.head_count');
    if (Number.isInteger(dimensions) && dimensions > 0 && dimensions % 2 === 0) return dimensions;
    throw new GgufError(`has heads of ${dimensions} dimensions, not a positive even number`);
  }

  private typed<T extends MetadataValue>(
    key: string,
    what: string,
    is: (value: MetadataValue) => value is T,
  ): T | undefined {
    const value = this.values.get(key);
    if (value === undefined || is(value)) return value;
    throw new GgufError(`gives "${key}" another type than ${what}`);
  }
}

function missing(key: string): never {
  throw new GgufError(`does not say "${key}"`);
}
