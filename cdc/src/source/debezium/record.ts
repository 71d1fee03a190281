import { isObject, type Json } from './json.ts';
import { asIs, braceClose, braceOpen, JsonReader, type JsonText, type Key } from './json-reader.ts';

/** A row: values in the order of their names. Rows with the same names share their list of them. */
export interface Row {
  readonly names: readonly string[];
  readonly values: readonly Json[];
}

/** An object as a row; null for what is none. */
export function rowOf(value: Json | undefined): Row | null {
  return isObject(value) ? { names: Object.keys(value), values: Object.values(value) } : null;
}

/** Where a change comes from. */
export class RecordSource {
  schema: Json = null;
  table: Json = null;
  txId: Json = null;
  lsn: Json = null;
  origin: Json = null;
}

/** What is asked for of a record of Debezium's: of a row, a message, a transaction's beginning or its end. */
export class DebeziumRecord {
  before: Row | null = null;
  after: Row | null = null;
  source: RecordSource | null = null;
  /** Whether it says to be part of a transaction. */
  inTransaction = false;
  op: Json = null;
  message: Json = null;
  status: Json = null;
  id: Json = null;
  ts_ms: Json = null;
  event_count: Json = null;
  strangler_last: Json = null;
}

/** The only key of a record of ours: the connector is stopped, and nothing of it comes behind this record. */
export const lastRecordKey = 'strangler_last' satisfies keyof DebeziumRecord;

const ofSource = ['schema', 'table', 'txId', 'lsn', 'origin'] as const;
const ofRecord = ['op', 'message', 'status', 'id', 'ts_ms', 'event_count', lastRecordKey] as const;
const inside = ['before', 'after', 'source', 'transaction'] as const;
type OfSource = (typeof ofSource)[number];
type OfRecord = (typeof ofRecord)[number];
type Inside = (typeof inside)[number];

/** A member of an object that comes again and again. */
interface Member<Name> extends Key {
  /** Undefined for one that nobody asks for. */
  readonly asked: Name | undefined;
}

/**
 * Reads the records of a topic without what nobody asks for, and fast, since the records of one topic are alike: it
 * expects the keys of the last one.
 */
export class RecordReader extends JsonReader {
  /** By the first letter of a record's first key: rows, transactions and messages have their own. */
  readonly #records: Member<OfRecord | Inside>[][] = [];
  readonly #source: Member<OfSource>[] = [];
  readonly #before = new RowNames();
  readonly #after = new RowNames();
  readonly #key = new RowNames();

  /** Reads a part of a text. @throws SyntaxError when it is not JSON, nested too deeply, or no object */
  read(text: JsonText, start: number, end: number): DebeziumRecord {
    this.begin(text, start, end);
    if (this.next !== braceOpen) throw this.wrong('no object');
    const letter = text.bytes[start + 2] ?? 0;
    let known = this.#records[letter];
    if (!known) {
      known = [];
      this.#records[letter] = known;
    }
    const record = this.#record(known);
    this.finish();
    return record;
  }

  /** Reads a record's key; null for what is no row. @throws SyntaxError */
  readRow(text: JsonText, start: number, end: number): Row | null {
    this.begin(text, start, end);
    const row = this.#row(this.#key);
    this.finish();
    return row;
  }

  #record(known: Member<OfRecord | Inside>[]): DebeziumRecord {
    const record = new DebeziumRecord();
    if (!this.enter(braceClose, 0)) return record;
    let index = 0;
    do {
      const { asked, within } = this.key(known, index, recordMember);
      if (asked === undefined) this.skip(1);
      else if (isInside(asked)) this.#inside(record, asked);
      else record[asked] = this.value(within, 1);
      index += 1;
    } while (this.goesOn(braceClose));
    return record;
  }

  #inside(record: DebeziumRecord, name: Inside): void {
    switch (name) {
      case 'before':
        record.before = this.#row(this.#before);
        return;
      case 'after':
        record.after = this.#row(this.#after);
        return;
      case 'source':
        record.source = this.#sourceBlock();
        return;
      case 'transaction':
        record.inTransaction = this.next === braceOpen;
        this.skip(1);
        return;
      default:
        name satisfies never;
    }
  }

  #sourceBlock(): RecordSource | null {
    if (this.next !== braceOpen) {
      this.skip(1);
      return null;
    }
    const source = new RecordSource();
    if (!this.enter(braceClose, 1)) return source;
    let index = 0;
    do {
      const { asked, within } = this.key(this.#source, index, sourceMember);
      if (asked === undefined) this.skip(2);
      else source[asked] = this.value(within, 2);
      index += 1;
    } while (this.goesOn(braceClose));
    return source;
  }

  #row(kind: RowNames): Row | null {
    if (this.next !== braceOpen) {
      this.skip(1);
      return null;
    }
    const { known, names } = kind;
    if (!this.enter(braceClose, 1)) return { names: [], values: [] };
    const values: Json[] = [];
    let asExpected = true;
    let index = 0;
    do {
      const expected = known[index];
      const key = this.key(known, index, asIs);
      if (key !== expected) asExpected = false;
      values.push(this.value(key.within, 2));
      index += 1;
    } while (this.goesOn(braceClose));
    return { names: asExpected && index === names.length ? names : kind.learn(index), values };
  }
}

/** The names that the last row of a kind had. */
class RowNames {
  readonly known: Key[] = [];
  names: readonly string[] = [];
  readonly #lists = new Map<string, readonly string[]>();

  /** The list of the first so many names, always the same one. */
  learn(count: number): readonly string[] {
    const keys = this.known.slice(0, count);
    const list = JSON.stringify(keys.map((each) => each.name));
    this.names = this.#lists.get(list) ?? keys.map((each) => each.name);
    this.#lists.set(list, this.names);
    return this.names;
  }
}

function recordMember(key: Key): Member<OfRecord | Inside> {
  return memberOf(key, [...ofRecord, ...inside]);
}

function sourceMember(key: Key): Member<OfSource> {
  return memberOf(key, ofSource);
}

function memberOf<Name extends string>(key: Key, names: readonly Name[]): Member<Name> {
  const asked = names.find((name) => name === key.name);
  return { ...key, asked };
}

function isInside(name: OfRecord | Inside): name is Inside {
  return name === 'before' || name === 'after' || name === 'source' || name === 'transaction';
}
