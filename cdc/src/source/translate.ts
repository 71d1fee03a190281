import type { Begin, ChangeEvent, Relation } from './change.ts';
import { MalformedMessage } from './cursor.ts';
import type { PgoutputMessage } from './pgoutput.ts';

/** 2000-01-01, where PostgreSQL counts from, in microseconds of Unix time. */
const epochMicros = 946_684_800_000_000n;

/** Turns pgoutput's messages into change events: knows the relations, and joins a transaction's begin with its origin. */
export class PgoutputTranslator {
  readonly #relations = new Map<number, Relation>();
  readonly #clock = new CommitClock();
  #begin: Begin | undefined;
  #open = false;

  /** Whether a transaction has begun and not committed. */
  get inTransaction(): boolean {
    return this.#open;
  }

  /** The events that a message completes, in order. @throws MalformedMessage when it cannot follow what came before. */
  translate(message: PgoutputMessage): ChangeEvent[] {
    switch (message.tag) {
      case 'relation': {
        const { oid, schema, name, columns } = message;
        this.#relations.set(oid, { schema, name, columns });
        return [];
      }
      case 'type':
        return [];
      case 'begin':
        if (this.#open) throw new MalformedMessage('a transaction inside a transaction');
        this.#open = true;
        this.#begin = {
          kind: 'begin',
          commitTime: this.#clock.textOf(message.commitTimeMicros),
          origin: null,
        };
        return [];
      case 'origin':
        // Follows the begin at once; a later one would name the origin of work that was merged in, which we don't get.
        if (this.#begin) this.#begin = { ...this.#begin, origin: message.name };
        return [];
      case 'commit': {
        if (!this.#open) throw new MalformedMessage('a commit without its begin');
        const events = [...this.#begun(), { kind: 'commit', position: message.end } as const];
        this.#open = false;
        return events;
      }
      case 'message': {
        const { prefix, content } = message;
        return [...this.#begun(), { kind: 'message', prefix, content }];
      }
      default:
        if (!this.#open) throw new MalformedMessage('a change outside a transaction');
        return [...this.#begun(), this.#change(message)];
    }
  }

  #begun(): ChangeEvent[] {
    const begin = this.#begin;
    this.#begin = undefined;
    return begin ? [begin] : [];
  }

  #change(
    message: Extract<PgoutputMessage, { tag: 'insert' | 'update' | 'delete' | 'truncate' }>,
  ): ChangeEvent {
    switch (message.tag) {
      case 'insert':
        return { kind: 'insert', relation: this.#relation(message.oid, message.row), row: message.row };
      case 'update': {
        const relation = this.#relation(message.oid, message.row, message.old);
        return { kind: 'update', relation, old: message.old, row: message.row };
      }
      case 'delete':
        return { kind: 'delete', relation: this.#relation(message.oid, message.old), old: message.old };
      case 'truncate':
        return { kind: 'truncate', relations: message.oids.map((oid) => this.#relation(oid)) };
    }
  }

  #relation(oid: number, ...rows: (readonly unknown[] | null)[]): Relation {
    const relation = this.#relations.get(oid);
    if (!relation) throw new MalformedMessage(`relation ${oid} was never described`);
    for (const row of rows) {
      if (row && row.length !== relation.columns.length)
        throw new MalformedMessage(`${row.length} values for ${relation.columns.length} columns`);
    }
    return relation;
  }
}

/** Microseconds since 2000 as `2026-01-31 12:00:00.123456+00`. Commits come in order: most share their second's text. */
class CommitClock {
  #second = -1;
  #text = '';

  textOf(micros: bigint): string {
    const unix = micros + epochMicros;
    if (unix < 0n || unix > 253_402_300_799_999_999n) throw new MalformedMessage(`commit time ${micros}`);
    const second = Number(unix / 1_000_000n);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1_000).toISOString().slice(0, 19).replace('T', ' ');
    }
    return `${this.#text}.${(unix % 1_000_000n).toString().padStart(6, '0')}+00`;
  }
}
