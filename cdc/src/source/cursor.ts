/** The bytes are not what the protocol promises. */
export class MalformedMessage extends Error {
  constructor(what: string) {
    super(`malformed message: ${what}`);
    this.name = 'MalformedMessage';
  }
}

const strict = new TextDecoder('utf-8', { fatal: true });

/** Reads a message from front to back; every read is checked against what is left. */
export class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  int16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  int64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  signedInt64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  /** Leaves out so many bytes. */
  skip(length: number): void {
    this.#take(length);
  }

  /** A zero-terminated string. */
  string(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new MalformedMessage('a string has no end');
    const text = this.#text(this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** A string of so many bytes. */
  text(length: number): string {
    const start = this.#take(length);
    return this.#text(start, start + length);
  }

  /** A copy of so many bytes. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return Uint8Array.from(this.#bytes.subarray(start, start + length));
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  end(): void {
    if (this.left > 0) throw new MalformedMessage(`${this.left} bytes too many`);
  }

  /** Bytes that are no UTF-8 are refused: a replacement character would become data (trap 23). */
  #text(start: number, end: number): string {
    const text = this.#bytes.toString('utf8', start, end);
    if (!text.includes('\uFFFD')) return text;
    try {
      return strict.decode(this.#bytes.subarray(start, end));
    } catch {
      throw new MalformedMessage('text is not UTF-8');
    }
  }

  #take(length: number): number {
    if (length > this.left) throw new MalformedMessage(`${length} bytes wanted, ${this.left} left`);
    const start = this.#at;
    this.#at += length;
    return start;
  }
}
