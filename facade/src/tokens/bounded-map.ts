/** A map that forgets what was set longest ago beyond `limit` entries, and says what it forgot. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #limit: number;
  readonly #forgotten: (key: K, value: V) => void;

  constructor(limit: number, forgotten: (key: K, value: V) => void = () => {}) {
    this.#limit = limit;
    this.#forgotten = forgotten;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    for (const [oldest, lost] of this.#entries) {
      this.#entries.delete(oldest);
      this.#forgotten(oldest, lost);
      return;
    }
  }
}
