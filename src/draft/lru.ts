/** Values by key, made when they are first asked for. Beyond the capacity the key used longest ago is forgotten. */
export class Lru<Value> {
  private readonly capacity: number;
  /** A Map keeps the order of insertion: the key used longest ago is the first. */
  private readonly values = new Map<string, Value>();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.values.size;
  }

  /** The key's value, which is from now on the one used last. O(1). */
  of(key: string, make: () => Value): Value {
    const value = this.values.get(key) ?? make();
    this.values.delete(key);
    this.values.set(key, value);
    if (this.values.size > this.capacity) this.values.delete(this.values.keys().next().value!);
    return value;
  }
}
