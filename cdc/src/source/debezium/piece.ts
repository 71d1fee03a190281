import type { KafkaMessage } from 'kafkajs';
import { type JsonText, jsonText } from './json-reader.ts';

/** Some records of a topic in one block of memory, which goes from thread to thread without being copied. */
export interface PackedPiece {
  /** Offset of the first record. */
  readonly first: string;
  /** Five numbers for each record: its offset from the first, the bytes of value, key and old key (-1: none), and 1 if it has a new key. */
  readonly index: Int32Array<ArrayBuffer>;
  /** Value, key and old key of each record, without anything in between. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type Message = Pick<KafkaMessage, 'offset' | 'key' | 'value' | 'headers'>;

const fields = 5;

/** Packs records that follow each other in a topic. @throws RangeError for none */
export function packPiece(messages: readonly Message[]): PackedPiece {
  const [start] = messages;
  if (!start) throw new RangeError('a piece has a record at least');
  const first = BigInt(start.offset);
  const index = new Int32Array(messages.length * fields);
  const parts: Buffer[] = [];
  let at = 0;
  const put = (part: Buffer | null | undefined) => {
    index[at] = part?.length ?? -1;
    at += 1;
    if (part) parts.push(part);
  };
  for (const { offset, key, value, headers } of messages) {
    const oldKey = headers?.['__debezium.oldkey'];
    index[at] = Number(BigInt(offset) - first);
    at += 1;
    put(value);
    put(key);
    put(Buffer.isBuffer(oldKey) ? oldKey : null);
    index[at] = Number(headers?.['__debezium.newkey'] !== undefined);
    at += 1;
  }
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return { first: start.offset, index, bytes };
}

/** The records of a piece, in their order. */
export function* recordsOf({ first, index, bytes }: PackedPiece): Generator<PieceRecord> {
  const base = BigInt(first);
  const text = jsonText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  let start = 0;
  for (let at = 0; at < index.length; at += fields) {
    const record = new PieceRecord(text, base + BigInt(index[at] ?? 0), index, at, start);
    yield record;
    start = record.end;
  }
}

/** A part of a text. */
export interface Place {
  readonly text: JsonText;
  readonly start: number;
  readonly end: number;
}

/** A record as it lies in the topic, not read yet. */
export class PieceRecord {
  readonly offset: bigint;
  /** The old row of an update that changed the key: its new row follows. */
  readonly rekeyed: boolean;
  /** Where the next record begins. */
  readonly end: number;
  readonly #text: JsonText;
  readonly #start: number;
  readonly #value: number;
  readonly #key: number;
  readonly #oldKey: number;

  constructor(text: JsonText, offset: bigint, index: Int32Array, at: number, start: number) {
    this.#text = text;
    this.offset = offset;
    this.#start = start;
    this.#value = index[at + 1] ?? -1;
    this.#key = index[at + 2] ?? -1;
    this.#oldKey = index[at + 3] ?? -1;
    this.rekeyed = index[at + 4] === 1;
    this.end = this.#oldKeyAt + Math.max(0, this.#oldKey);
  }

  /** Bytes of its value. */
  get size(): number {
    return Math.max(0, this.#value);
  }

  /** Where its value stands; null if it has none. */
  value(): Place | null {
    return this.#place(this.#start, this.#value);
  }

  key(): Place | null {
    return this.#place(this.#keyAt, this.#key);
  }

  /** What a changed key leaves at the new row. */
  oldKey(): Place | null {
    return this.#place(this.#oldKeyAt, this.#oldKey);
  }

  get #keyAt(): number {
    return this.#start + this.size;
  }

  get #oldKeyAt(): number {
    return this.#keyAt + Math.max(0, this.#key);
  }

  #place(start: number, length: number): Place | null {
    return length < 0 ? null : { text: this.#text, start, end: start + length };
  }
}
