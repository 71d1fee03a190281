import { literal, type Sql } from '@strangler/postgres';
import { z } from 'zod';
import type { SequencePlan } from '../plan/index.ts';

/** Where a sequence stands: the last value that it gave out, or the one before its first. */
export type SequenceValues = ReadonlyMap<string, bigint>;

const row = z.object({ key: z.string(), value: z.coerce.bigint() });

/** What the source's sequences have given out, by the key that both sides know them by. */
export async function readSequences(
  source: Sql,
  sequences: readonly SequencePlan[],
): Promise<SequenceValues> {
  const parts = sequences.flatMap(({ key, source: sequence }) =>
    sequence === null
      ? []
      : [
          `SELECT ${literal(key)} AS key, CASE WHEN is_called THEN last_value ELSE last_value - sign(q.seqincrement)::bigint END AS value FROM ${sequence}, pg_sequence q WHERE q.seqrelid = ${literal(sequence)}::regclass`,
        ],
  );
  if (parts.length === 0) return new Map();
  const { rows } = await source.query(parts.join(' UNION ALL '));
  return new Map(rows.map((each) => row.parse(each)).map(({ key, value }) => [key, value]));
}

/**
 * Moves the target's sequences so that none gives out a value again that the source has given (trap 11). Never back:
 * a setval survives a rollback, so it must be harmless when repeated.
 */
export async function moveSequences(
  target: Sql,
  sequences: readonly SequencePlan[],
  values: SequenceValues,
): Promise<void> {
  for (const { key, target: sequence } of sequences) {
    const value = values.get(key);
    if (sequence === null || value === undefined) continue;
    await target.query(
      `SELECT setval($1::regclass, $2::bigint) FROM ${sequence} s, pg_sequence q
        WHERE q.seqrelid = $1::regclass
          AND CASE WHEN q.seqincrement > 0
            THEN $2::bigint > CASE WHEN s.is_called THEN s.last_value ELSE s.last_value - 1 END
            ELSE $2::bigint < CASE WHEN s.is_called THEN s.last_value ELSE s.last_value + 1 END END`,
      [sequence, value.toString()],
    );
  }
}
