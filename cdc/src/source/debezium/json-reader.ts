import { isAscii } from 'node:buffer';
import type { Json } from './json.ts';

/** JSON in UTF-8. */
export interface JsonText {
  readonly bytes: Buffer;
  /** The same as text, if every byte is a character: nearly always. */
  readonly ascii: string | undefined;
}

/** Makes all of the bytes one text at once, if they allow it. */
export function jsonText(bytes: Buffer): JsonText {
  return { bytes, ascii: isAscii(bytes) ? bytes.toString('latin1') : undefined };
}

/** Reads a whole text. @throws SyntaxError when it is not JSON, or nested too deeply. */
export function parseJson(text: string): Json {
  return new WholeText().read(Buffer.from(text));
}

/** A key that the last object of its kind had at this place: objects of one kind are alike. */
export interface Key {
  readonly name: string;
  /** With its quotes and its colon, as it stands in the text. */
  readonly quoted: Uint8Array;
  readonly within: Key[];
}

/**
 * Walks through JSON. It looks at bytes, which costs a fraction of looking at a string's characters. No digit of a
 * whole number is lost: one of more than 15 characters is a bigint.
 */
export class JsonReader {
  /** Where it is. */
  protected at = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #ascii: string | undefined;
  #start = 0;
  #end = 0;

  protected begin({ bytes, ascii }: JsonText, start: number, end: number): void {
    this.#bytes = bytes;
    this.#ascii = ascii;
    this.at = start;
    this.#start = start;
    this.#end = end;
    this.blank();
  }

  protected finish(): void {
    this.blank();
    // Behind it may be another one.
    if (this.at !== this.#end)
      throw this.wrong(this.at < this.#end ? 'text after the value' : 'no end of the value');
  }

  /** The byte that comes. */
  protected get next(): number | undefined {
    return this.#bytes[this.at];
  }

  protected value(known: Key[], depth: number): Json {
    switch (this.next) {
      case quote:
        return this.#string();
      case braceOpen:
        return this.#object(known, depth);
      case bracketOpen:
        return this.#array(depth);
      case letterN:
        return this.#word(words.null, null);
      case letterT:
        return this.#word(words.true, true);
      case letterF:
        return this.#word(words.false, false);
      default:
        return this.#number();
    }
  }

  /** Enters an object or array; whether there is something in it. */
  protected enter(close: number, depth: number): boolean {
    if (depth > depthMax) throw this.wrong('nested too deeply');
    this.at += 1;
    this.blank();
    if (this.next !== close) return true;
    this.at += 1;
    return false;
  }

  /** The key that comes, which the next object of its kind probably has here, too; behind it is its value. */
  protected key<K extends Key>(known: K[], index: number, make: (key: Key) => K): K {
    this.blank();
    let key = known[index];
    if (key !== undefined && this.#stands(key.quoted)) this.at += key.quoted.length;
    else {
      key = make(this.#learn());
      known[index] = key;
    }
    this.blank();
    return key;
  }

  /** Whether a comma follows; otherwise the end must. */
  protected goesOn(close: number): boolean {
    this.blank();
    const code = this.next;
    if (code !== comma && code !== close) throw this.wrong('neither a comma nor an end');
    this.at += 1;
    return code === comma;
  }

  /** Passes over a value, whose numbers and strings are not looked at. */
  protected skip(depth: number): void {
    const { next } = this;
    if (next === quote) this.#stringEnd();
    else if (next === braceOpen) this.#skipObject(depth);
    else if (next === bracketOpen) this.#skipArray(depth);
    else if (next === letterN) this.#word(words.null, null);
    else if (next === letterT) this.#word(words.true, null);
    else if (next === letterF) this.#word(words.false, null);
    else this.#numberEnd();
  }

  /** Passes over blanks, of which what Debezium writes has none. */
  protected blank(): void {
    const code = this.#bytes[this.at];
    if (code !== undefined && code <= space) this.#blanks();
  }

  protected wrong(what: string): SyntaxError {
    return new SyntaxError(`${what} at byte ${this.at - this.#start}`);
  }

  #stands(word: Uint8Array): boolean {
    const bytes = this.#bytes;
    const { at } = this;
    for (let index = 0; index < word.length; index += 1) if (bytes[at + index] !== word[index]) return false;
    return true;
  }

  #text(start: number, end: number): string {
    return this.#ascii === undefined
      ? this.#bytes.toString('utf8', start, end)
      : this.#ascii.slice(start, end);
  }

  #string(): string {
    const start = this.at;
    const plain = this.#stringEnd();
    if (plain) return this.#text(start + 1, this.at - 1);
    const parsed: unknown = JSON.parse(this.#text(start, this.at));
    return typeof parsed === 'string' ? parsed : '';
  }

  /** Passes over a string; whether nothing in it is escaped. */
  #stringEnd(): boolean {
    const bytes = this.#bytes;
    let { at } = this;
    if (bytes[at] !== quote) throw this.wrong('no string');
    let plain = true;
    for (at += 1; at < this.#end; at += 1) {
      const code = bytes[at];
      if (code === quote) {
        this.at = at + 1;
        return plain;
      }
      if (code !== backslash) continue;
      plain = false;
      at += 1;
    }
    throw this.wrong('a string without its end');
  }

  #object(known: Key[], depth: number): Bare {
    const found = new Bare();
    if (!this.enter(braceClose, depth)) return found;
    let index = 0;
    do {
      const { name, within } = this.key(known, index, asIs);
      found[name] = this.value(within, depth + 1);
      index += 1;
    } while (this.goesOn(braceClose));
    return found;
  }

  #array(depth: number): Json[] {
    const found: Json[] = [];
    const known: Key[] = [];
    if (!this.enter(bracketClose, depth)) return found;
    do {
      this.blank();
      found.push(this.value(known, depth + 1));
    } while (this.goesOn(bracketClose));
    return found;
  }

  #learn(): Key {
    const start = this.at;
    // A copy: a part of the text would keep all of it for as long as the key is known.
    const name = Buffer.from(this.#string()).toString();
    const quoted = `${this.#text(start, this.at)}:`;
    this.#colon();
    return { name, quoted: Buffer.from(quoted), within: [] };
  }

  #colon(): void {
    this.blank();
    if (this.next !== colon) throw this.wrong('no colon');
    this.at += 1;
  }

  /** Most are whole and short. */
  #number(): number | bigint {
    const bytes = this.#bytes;
    const start = this.at;
    const first = bytes[start] === minus ? start + 1 : start;
    let at = first;
    let value = 0;
    for (let digit = (bytes[at] ?? 0) - zero; digit >= 0 && digit <= 9; digit = (bytes[at] ?? 0) - zero) {
      value = value * 10 + digit;
      at += 1;
    }
    const zeros = bytes[first] === zero && at > first + 1;
    if (isNumeric(bytes[at]) || zeros || at === first || at - start > 15) return this.#otherNumber();
    this.at = at;
    return first > start ? -value : value;
  }

  #otherNumber(): number | bigint {
    const start = this.at;
    this.#numberEnd();
    const text = this.#text(start, this.at);
    const [found, fraction, exponent] = number.exec(text) ?? [];
    if (found === undefined) throw this.wrong('no value');
    const whole = fraction === undefined && exponent === undefined;
    return whole && text.length > 15 ? BigInt(text) : Number(text);
  }

  #numberEnd(): void {
    const bytes = this.#bytes;
    let { at } = this;
    while (isNumeric(bytes[at])) at += 1;
    if (at === this.at) throw this.wrong('no value');
    this.at = at;
  }

  #word<T>(word: Uint8Array, value: T): T {
    if (!this.#stands(word)) throw this.wrong('no value');
    this.at += word.length;
    return value;
  }

  #skipObject(depth: number): void {
    if (!this.enter(braceClose, depth)) return;
    do {
      this.blank();
      this.#stringEnd();
      this.#colon();
      this.blank();
      this.skip(depth + 1);
    } while (this.goesOn(braceClose));
  }

  #skipArray(depth: number): void {
    if (!this.enter(bracketClose, depth)) return;
    do {
      this.blank();
      this.skip(depth + 1);
    } while (this.goesOn(bracketClose));
  }

  #blanks(): void {
    while (this.at < this.#end && blanks.has(this.next ?? 0)) this.at += 1;
  }
}

class WholeText extends JsonReader {
  read(bytes: Buffer): Json {
    this.begin(jsonText(bytes), 0, bytes.length);
    const value = this.value([], 0);
    this.finish();
    return value;
  }
}

/** A key of which nothing more is to be known. */
export function asIs(key: Key): Key {
  return key;
}

/** Without Object's prototype `__proto__` is a name like any other; with an empty one of its own it stays a fast object. */
class Bare {
  [key: string]: Json;
}
Object.setPrototypeOf(Bare.prototype, null);
Reflect.deleteProperty(Bare.prototype, 'constructor');

const depthMax = 64;
const number = /^-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const words = { null: Buffer.from('null'), true: Buffer.from('true'), false: Buffer.from('false') };

const code = (char: string) => char.charCodeAt(0);
const [quote, backslash, comma, colon] = [code('"'), code('\\'), code(','), code(':')];
export const [braceOpen, braceClose] = [code('{'), code('}')];
const [bracketOpen, bracketClose] = [code('['), code(']')];
const [letterN, letterT, letterF, letterE] = [code('n'), code('t'), code('f'), code('e')];
const [minus, plus, zero, point] = [code('-'), code('+'), code('0'), code('.')];
const space = code(' ');
const blanks = new Set([' ', '\n', '\r', '\t'].map(code));

/** Digits, signs, a point, and the exponent's letter. */
function isNumeric(code: number | undefined): boolean {
  if (code === undefined) return false;
  if (code >= zero && code <= zero + 9) return true;
  return code === minus || code === point || code === plus || (code | 32) === letterE;
}
