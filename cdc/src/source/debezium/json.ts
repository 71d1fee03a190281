import { MalformedMessage } from '../cursor.ts';

/** JSON whose scalars are the text of the source: a number that JavaScript would round stays as it was sent. */
export type Json = string | null | Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const depthMax = 64;
const scalarEnd = /[\s,\]}]/g;
const scalar = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
const space = /\S/g;

/** Numbers and booleans become their text, null stays null. @throws MalformedMessage when it is not JSON, or nested too deep. */
export function parseJson(text: string): Json {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Json {
    this.#skip();
    const code = this.#text.charCodeAt(this.#at);
    if (code === 34) return this.#string();
    if (code === 123) return this.#object(depth + 1);
    if (code === 91) return this.#array(depth + 1);
    return this.#scalar();
  }

  end(): void {
    this.#skip();
    if (this.#at !== this.#text.length) throw this.#wrong();
  }

  #object(depth: number): JsonObject {
    if (depth > depthMax) throw new MalformedMessage(`JSON nested beyond ${depthMax}`);
    const object: Record<string, Json> = Object.create(null);
    this.#at += 1;
    if (this.#ends(125)) return object;
    for (;;) {
      this.#skip();
      if (this.#text.charCodeAt(this.#at) !== 34) throw this.#wrong();
      const key = this.#string();
      this.#skip();
      if (this.#text.charCodeAt(this.#at) !== 58) throw this.#wrong();
      this.#at += 1;
      object[key] = this.value(depth);
      if (this.#ends(125)) return object;
      this.#comma();
    }
  }

  #array(depth: number): Json[] {
    if (depth > depthMax) throw new MalformedMessage(`JSON nested beyond ${depthMax}`);
    const array: Json[] = [];
    this.#at += 1;
    if (this.#ends(93)) return array;
    for (;;) {
      array.push(this.value(depth));
      if (this.#ends(93)) return array;
      this.#comma();
    }
  }

  #string(): string {
    const start = this.#at;
    const text = this.#text;
    let end = text.indexOf('"', start + 1);
    let escaped = false;
    while (end > 0 && isEscaped(text, start, end)) {
      escaped = true;
      end = text.indexOf('"', end + 1);
    }
    if (end < 0) throw this.#wrong();
    this.#at = end + 1;
    const inner = text.slice(start + 1, end);
    return escaped || inner.includes('\\') ? unescaped(text.slice(start, end + 1)) : inner;
  }

  #scalar(): string | null {
    scalarEnd.lastIndex = this.#at;
    const end = scalarEnd.test(this.#text) ? scalarEnd.lastIndex - 1 : this.#text.length;
    const text = this.#text.slice(this.#at, end);
    if (!scalar.test(text)) throw this.#wrong();
    this.#at = end;
    return text === 'null' ? null : text;
  }

  #comma(): void {
    if (this.#text.charCodeAt(this.#at) !== 44) throw this.#wrong();
    this.#at += 1;
  }

  #ends(code: number): boolean {
    this.#skip();
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at += 1;
    return true;
  }

  #skip(): void {
    if (this.#text.charCodeAt(this.#at) > 32) return;
    space.lastIndex = this.#at;
    this.#at = space.test(this.#text) ? space.lastIndex - 1 : this.#text.length;
  }

  #wrong(): MalformedMessage {
    return new MalformedMessage(`not JSON at character ${this.#at}`);
  }
}

/** Whether an odd number of backslashes stands before the quote. */
function isEscaped(text: string, start: number, quote: number): boolean {
  let at = quote;
  while (at - 1 > start && text.charCodeAt(at - 1) === 92) at -= 1;
  return (quote - at) % 2 === 1;
}

function unescaped(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    throw new MalformedMessage('a JSON string with a wrong escape');
  }
}
