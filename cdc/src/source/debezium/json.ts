/** A JSON value in which no digit is lost: integers that a double cannot hold are bigints (Debezium writes int8 as numbers). */
export type Json = null | boolean | string | number | bigint | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const depthMax = 64;
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const space = /[ \t\r\n]*/y;

/** Reads a whole text. @throws SyntaxError when it is not JSON, or nested too deeply. */
export function parseJson(text: string): Json {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Json {
    if (depth > depthMax) throw this.#wrong('nested too deeply');
    this.#skip();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  end(): void {
    this.#skip();
    if (this.#at < this.#text.length) throw this.#wrong('text after the value');
  }

  #object(depth: number): JsonObject {
    // Without a prototype, `__proto__` is a name like any other.
    const found: Record<string, Json> = Object.create(null);
    this.#at += 1;
    if (this.#next('}')) return found;
    do {
      this.#skip();
      const key = this.#string();
      if (!this.#next(':')) throw this.#wrong('no colon');
      found[key] = this.value(depth + 1);
    } while (this.#next(','));
    if (!this.#next('}')) throw this.#wrong('an object without its end');
    return found;
  }

  #array(depth: number): Json[] {
    const found: Json[] = [];
    this.#at += 1;
    if (this.#next(']')) return found;
    do found.push(this.value(depth + 1));
    while (this.#next(','));
    if (!this.#next(']')) throw this.#wrong('an array without its end');
    return found;
  }

  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') throw this.#wrong('no string');
    let end = this.#text.indexOf('"', start + 1);
    while (end > 0 && this.#escaped(end)) end = this.#text.indexOf('"', end + 1);
    if (end < 0) throw this.#wrong('a string without its end');
    this.#at = end + 1;
    const plain = this.#text.slice(start + 1, end);
    if (!plain.includes('\\')) return plain;
    const parsed: unknown = JSON.parse(this.#text.slice(start, end + 1));
    return typeof parsed === 'string' ? parsed : '';
  }

  /** Whether an odd number of backslashes stands before. */
  #escaped(at: number): boolean {
    let first = at;
    while (this.#text[first - 1] === '\\') first -= 1;
    return (at - first) % 2 === 1;
  }

  #number(): number | bigint {
    number.lastIndex = this.#at;
    const found = number.exec(this.#text);
    if (!found) throw this.#wrong('no value');
    const [text, fraction, exponent] = found;
    this.#at += text.length;
    const whole = fraction === undefined && exponent === undefined;
    return whole && text.length > 15 ? BigInt(text) : Number(text);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#wrong('no value');
    this.#at += word.length;
    return value;
  }

  #next(char: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #skip(): void {
    const code = this.#text.charCodeAt(this.#at);
    if (code > 32 || Number.isNaN(code)) return;
    space.lastIndex = this.#at;
    this.#at += space.exec(this.#text)?.[0].length ?? 0;
  }

  #wrong(what: string): SyntaxError {
    return new SyntaxError(`${what} at character ${this.#at}`);
  }
}
