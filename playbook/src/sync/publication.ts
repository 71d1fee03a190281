import type { Sql } from '@strangler/postgres';

/**
 * Tables whose changes the publication carries and the config does not name, or the other way round: the config has
 * changed since the copy. What is not published is never followed; what is not named is not applied. Nothing if there
 * is no such publication. `tables`: quoted, qualified names.
 */
export async function publicationDrift(
  sql: Sql,
  publication: string,
  tables: readonly string[],
): Promise<string[]> {
  const { rows } = await sql.query(
    `WITH published AS (SELECT p.oid, r.prrelid FROM pg_publication p LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid
                         WHERE p.pubname = $1)
     SELECT t AS name FROM unnest($2::text[]) t
      WHERE EXISTS (SELECT FROM published) AND t::regclass NOT IN (SELECT prrelid FROM published WHERE prrelid IS NOT NULL)
     UNION ALL
     SELECT prrelid::regclass::text FROM published
      WHERE prrelid <> ALL ($2::text[]::regclass[]) AND prrelid <> 'strangler.ownership'::regclass
     ORDER BY 1`,
    [publication, [...tables]],
  );
  return rows.map((row) => row['name'] ?? '');
}
