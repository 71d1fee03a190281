import type { TestDatabase } from '@strangler/cluster/testing';

/** Everything in a database that a cancel must take away again, and that a refusal must not have made, as text. */
export async function catalogue(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ line: string }>(`
    SELECT format('class %s %s %s', oid::regclass, relkind, relacl) AS line FROM pg_class WHERE oid >= 16384 AND relkind <> 't' AND relnamespace::regnamespace::text <> 'pg_toast'
    UNION ALL SELECT format('identity %s %s', oid::regclass, relreplident) FROM pg_class WHERE relkind IN ('r', 'p') AND oid >= 16384
    UNION ALL SELECT format('trigger %s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger
    UNION ALL SELECT format('publication %s', pubname) FROM pg_publication
    UNION ALL SELECT format('function %s', oid::regprocedure) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT format('slot %s', slot_name) FROM pg_replication_slots WHERE database = current_database()
    UNION ALL SELECT format('schema %s', nspname) FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'
    ORDER BY 1`);
  return rows.map((row) => row.line).filter((line) => !/ strangler\.|function strangler/.test(line));
}
