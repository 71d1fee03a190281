import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type Change, type Relation, unchanged } from '../source/index.ts';

const cells = z.array(z.union([z.string(), z.null(), z.literal(unchanged)]));
const line = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('insert'), relation: z.int(), row: cells }),
  z.object({ kind: z.literal('update'), relation: z.int(), old: cells.nullable(), row: cells }),
  z.object({ kind: z.literal('delete'), relation: z.int(), old: cells }),
  z.object({ kind: z.literal('truncate'), relations: z.array(z.int()) }),
]);

const pieceChanges = 1_000;
const pieceBytes = 8 << 20;

/**
 * Changes of a transaction that is too large for memory, in a file of one line of JSON each (trap 12). The file has no
 * name any more as soon as it is open, so that nothing is left over, however we end.
 */
export class Spool {
  readonly #file: number;
  readonly #relations: Relation[] = [];
  readonly #numbers = new Map<Relation, number>();
  #closed = false;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'strangler-spool-'));
    this.#file = openSync(join(folder, 'changes'), 'wx+', 0o600);
    rmSync(folder, { recursive: true });
  }

  write(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const bytes = Buffer.from(changes.map((change) => `${this.#encode(change)}\n`).join(''));
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
  }

  async *pieces(): AsyncGenerator<readonly Change[]> {
    const input = createReadStream('', { fd: this.#file, start: 0, autoClose: false, encoding: 'utf8' });
    let piece: Change[] = [];
    let bytes = 0;
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      piece.push(this.#decode(text));
      bytes += text.length;
      if (piece.length >= pieceChanges || bytes >= pieceBytes) {
        yield piece;
        piece = [];
        bytes = 0;
      }
    }
    if (piece.length > 0) yield piece;
  }

  close(): void {
    if (!this.#closed) closeSync(this.#file);
    this.#closed = true;
  }

  #encode(change: Change): string {
    if (change.kind === 'truncate')
      return JSON.stringify({ ...change, relations: change.relations.map((each) => this.#number(each)) });
    return JSON.stringify({ ...change, relation: this.#number(change.relation) });
  }

  #decode(text: string): Change {
    const change = line.parse(JSON.parse(text));
    if (change.kind === 'truncate')
      return { kind: change.kind, relations: change.relations.map((each) => this.#relation(each)) };
    return { ...change, relation: this.#relation(change.relation) };
  }

  #number(relation: Relation): number {
    const known = this.#numbers.get(relation);
    if (known !== undefined) return known;
    this.#relations.push(relation);
    this.#numbers.set(relation, this.#relations.length - 1);
    return this.#relations.length - 1;
  }

  #relation(number: number): Relation {
    const relation = this.#relations[number];
    if (!relation) throw new RangeError(`the spool has no relation ${number}`);
    return relation;
  }
}
