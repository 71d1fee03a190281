import type { Json } from './json.ts';

/** Reads a whole text. @throws SyntaxError when it is not JSON, or nested too deeply. */
export function parseJson(text: string): Json {
  return new RecordParser('all').parse(text);
}

/**
 * Reads the records of a topic without what nobody asks for (`needOf`), and fast, since the records of one topic are
 * alike: it expects the keys of the last one. No digit is lost.
 */
export class RecordParser {
  readonly #need: Need;
  /** By the first letter of a record's first key: rows, transactions and messages have their own. */
  readonly #known: Expected[][] = [];
  #text = '';
  #start = 0;
  #at = 0;
  #end = 0;
  /** The first backslash that is not behind us; beyond the text if there is none. */
  #backslash = 0;

  constructor(need: Need = 'record') {
    this.#need = need;
  }

  /** Reads the part of a text, or all of it. @throws SyntaxError when it is not JSON, or nested too deeply */
  parse(text: string, start = 0, end = text.length): Json {
    // Of the next record in the same text it is still known where the next backslash is.
    if (text !== this.#text || start < this.#at) this.#backslash = -1;
    this.#text = text;
    this.#start = start;
    this.#at = start;
    this.#end = end;
    this.#blank();
    const letter = text.charCodeAt(start + 2) & 127;
    let known = this.#known[letter];
    if (!known) {
      known = [];
      this.#known[letter] = known;
    }
    const value = this.#value(this.#need, known, 0);
    this.#blank();
    // Behind it may be another one.
    if (this.#at !== end) throw this.#wrong(this.#at < end ? 'text after the value' : 'no end of the value');
    return value;
  }

  #value(need: Need, known: Expected[], depth: number): Json {
    const text = this.#text;
    const code = text.charCodeAt(this.#at);
    if (code === quote) return this.#string();
    if (code === braceOpen) {
      if (need !== 'nothing of it') return this.#object(need, known, depth);
      this.#skip(depth);
      return new Bare();
    }
    if (code === bracketOpen) return this.#array(depth);
    if (code === letterN) return this.#word('null', null);
    if (code === letterT) return this.#word('true', true);
    if (code === letterF) return this.#word('false', false);
    return this.#number();
  }

  #object(need: Need, known: Expected[], depth: number): Bare {
    if (depth > depthMax) throw this.#wrong('nested too deeply');
    const text = this.#text;
    const found = new Bare();
    this.#at += 1;
    this.#blank();
    if (text.charCodeAt(this.#at) === braceClose) {
      this.#at += 1;
      return found;
    }
    for (let index = 0; ; index += 1) {
      let next = known[index];
      if (next !== undefined && text.startsWith(next.quoted, this.#at)) this.#at += next.quoted.length;
      else {
        next = this.#learn(need);
        known[index] = next;
      }
      this.#blank();
      if (next.need === 'no') this.#skip(depth + 1);
      else found[next.key] = this.#value(next.need, next.within, depth + 1);
      if (!this.#goesOn(braceClose)) return found;
      this.#blank();
    }
  }

  #array(depth: number): Json[] {
    if (depth > depthMax) throw this.#wrong('nested too deeply');
    const found: Json[] = [];
    const known: Expected[] = [];
    this.#at += 1;
    this.#blank();
    if (this.#text.charCodeAt(this.#at) === bracketClose) {
      this.#at += 1;
      return found;
    }
    do {
      this.#blank();
      found.push(this.#value('all', known, depth + 1));
    } while (this.#goesOn(bracketClose));
    return found;
  }

  /** Whether a comma follows; otherwise the end must. */
  #goesOn(end: number): boolean {
    this.#blank();
    const code = this.#text.charCodeAt(this.#at);
    if (code !== comma && code !== end) throw this.#wrong('neither a comma nor an end');
    this.#at += 1;
    return code === comma;
  }

  /** Reads a key that was not expected here; the next record probably has it, too. */
  #learn(need: Need): Expected {
    const start = this.#at;
    const key = this.#string();
    const end = this.#at;
    this.#blank();
    if (this.#text.charCodeAt(this.#at) !== colon) throw this.#wrong('no colon');
    this.#at += 1;
    return {
      quoted: `${this.#text.slice(start, end)}:`,
      key,
      need: needOf(need, key),
      within: [],
    };
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at;
    if (text.charCodeAt(start) !== quote) throw this.#wrong('no string');
    let end = text.indexOf('"', start + 1);
    if (this.#backslash < start) this.#backslash = endless(text.indexOf('\\', start));
    const plain = end < this.#backslash;
    if (!plain) while (end > 0 && this.#escaped(end)) end = text.indexOf('"', end + 1);
    if (end < 0) throw this.#wrong('a string without its end');
    this.#at = end + 1;
    if (plain) return text.slice(start + 1, end);
    const parsed: unknown = JSON.parse(text.slice(start, end + 1));
    return typeof parsed === 'string' ? parsed : '';
  }

  /** Whether an odd number of backslashes stands before. */
  #escaped(at: number): boolean {
    let first = at;
    while (this.#text.charCodeAt(first - 1) === backslash) first -= 1;
    return (at - first) % 2 === 1;
  }

  /** Most are whole and short. */
  #number(): number | bigint {
    const text = this.#text;
    const start = this.#at;
    const negative = text.charCodeAt(start) === minus;
    const first = negative ? start + 1 : start;
    let at = first;
    let value = 0;
    for (let digit = text.charCodeAt(at) - zero; digit >= 0 && digit <= 9; ) {
      value = value * 10 + digit;
      at += 1;
      digit = text.charCodeAt(at) - zero;
    }
    const code = text.charCodeAt(at);
    const plain = code !== point && code !== letterE && code !== letterE - 32;
    const zeros = text.charCodeAt(first) === zero && at > first + 1;
    if (!plain || zeros || at === first || at - start > 15) return this.#otherNumber();
    this.#at = at;
    return negative ? -value : value;
  }

  #otherNumber(): number | bigint {
    number.lastIndex = this.#at;
    const [text, fraction, exponent] = number.exec(this.#text) ?? [];
    if (text === undefined) throw this.#wrong('no value');
    this.#at += text.length;
    const whole = fraction === undefined && exponent === undefined;
    return whole && text.length > 15 ? BigInt(text) : Number(text);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#wrong('no value');
    this.#at += word.length;
    return value;
  }

  /** Passes over a value, whose numbers and strings are not looked at. */
  #skip(depth: number): void {
    if (depth > depthMax) throw this.#wrong('nested too deeply');
    const code = this.#text.charCodeAt(this.#at);
    if (code === quote) {
      let end = this.#text.indexOf('"', this.#at + 1);
      while (end > 0 && this.#escaped(end)) end = this.#text.indexOf('"', end + 1);
      if (end < 0) throw this.#wrong('a string without its end');
      this.#at = end + 1;
    } else if (code === braceOpen || code === bracketOpen) this.#skipInside(code, depth);
    else if (code === letterN) this.#word('null', null);
    else if (code === letterT) this.#word('true', true);
    else if (code === letterF) this.#word('false', false);
    else this.#skipNumber();
  }

  #skipNumber(): void {
    const text = this.#text;
    let at = this.#at;
    for (let code = text.charCodeAt(at); isNumeric(code); code = text.charCodeAt(at)) at += 1;
    if (at === this.#at) throw this.#wrong('no value');
    this.#at = at;
  }

  #skipInside(open: number, depth: number): void {
    const close = open === braceOpen ? braceClose : bracketClose;
    this.#at += 1;
    this.#blank();
    if (this.#text.charCodeAt(this.#at) === close) {
      this.#at += 1;
      return;
    }
    do {
      this.#blank();
      if (open === braceOpen) {
        if (this.#text.charCodeAt(this.#at) !== quote) throw this.#wrong('no string');
        this.#skip(depth + 1);
        this.#blank();
        if (this.#text.charCodeAt(this.#at) !== colon) throw this.#wrong('no colon');
        this.#at += 1;
        this.#blank();
      }
      this.#skip(depth + 1);
    } while (this.#goesOn(close));
  }

  #blank(): void {
    // What Debezium writes has none.
    if (this.#text.charCodeAt(this.#at) <= 32) this.#blanks();
  }

  #blanks(): void {
    while (this.#at < this.#end) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#at += 1;
    }
  }

  #wrong(what: string): SyntaxError {
    return new SyntaxError(`${what} at character ${this.#at - this.#start}`);
  }
}

/** What of a value is asked for. */
type Need = 'all' | 'no' | 'nothing of it' | 'record' | 'source';

/** A key that the last record had at this place. */
interface Expected {
  /** With its quotes and its colon, as it stands in the text. */
  readonly quoted: string;
  readonly key: string;
  readonly need: Need;
  readonly within: Expected[];
}

/** Of the block `source`. */
const neededOfSource = new Set(['schema', 'table', 'txId', 'lsn', 'origin']);
/** Of a record, beside the rest of `source`: clocks, counts, and inside of `transaction`. */
const unneeded = new Set(['ts_us', 'ts_ns', 'data_collections']);

function needOf(around: Need, key: string): Need {
  if (around === 'source') return neededOfSource.has(key) ? 'all' : 'no';
  if (around !== 'record') return 'all';
  if (key === 'source') return 'source';
  if (key === 'transaction') return 'nothing of it';
  return unneeded.has(key) ? 'no' : 'all';
}

/** Without Object's prototype `__proto__` is a name like any other; with an empty one of its own it stays a fast object. */
class Bare {
  [key: string]: Json;
}
Object.setPrototypeOf(Bare.prototype, null);
Reflect.deleteProperty(Bare.prototype, 'constructor');

const depthMax = 64;
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;

const code = (char: string) => char.charCodeAt(0);
const [quote, backslash, comma, colon] = [code('"'), code('\\'), code(','), code(':')];
const [braceOpen, braceClose, bracketOpen, bracketClose] = [code('{'), code('}'), code('['), code(']')];
const [letterN, letterT, letterF, letterE] = [code('n'), code('t'), code('f'), code('e')];
const [minus, plus, zero, point] = [code('-'), code('+'), code('0'), code('.')];

/** Digits, signs, a point, and the exponent's letter. */
function isNumeric(code: number): boolean {
  if (code >= zero && code <= zero + 9) return true;
  return code === minus || code === point || code === plus || (code | 32) === letterE;
}

function endless(at: number): number {
  return at < 0 ? Number.POSITIVE_INFINITY : at;
}
