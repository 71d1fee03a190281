/**
 * What a DBA runs once in the database of a side, as a superuser: the roles, and exactly the rights that they need.
 * Safe to run again. It holds no secret: passwords are set by the DBA, `ALTER ROLE … PASSWORD`.
 * `tables`: the quoted, qualified names of the tables that move, as they are called on this side.
 */
export function setupSql(side: 'monolith' | 'service', tables: readonly string[]): string {
  const tableArray = `ARRAY[${tables.map((table) => `'${table.replaceAll("'", "''")}'`).join(', ')}]::text[]`;
  return `-- strangler setup --sql --side ${side}: run as a superuser, connected to the ${side}'s database.
${roles}
${ledgerSchema}
${rightsOnTables(tableArray)}
${rightsOfStreams}`;
}

const roles = `
-- 1. Roles. No process of ours is a superuser; each has only its own rights.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT * FROM (VALUES
    ('strangler_owner', 'NOLOGIN'),             -- owns the ledger and its functions
    ('strangler_admin', 'LOGIN'),               -- DDL: fences, publications, the ledger's migrations
    ('strangler_source', 'LOGIN REPLICATION'),  -- reads tables and slots
    ('strangler_apply', 'LOGIN'),               -- writes the tables of the side that does not own them
    ('strangler_facade', 'LOGIN'),              -- reads the ledger, says what it obeys
    ('strangler_operator', 'LOGIN')             -- runs, the switch
  ) AS wanted (name, options) LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r.name) THEN
      EXECUTE format('CREATE ROLE %I %s NOSUPERUSER NOCREATEDB NOCREATEROLE', r.name, r.options);
    END IF;
  END LOOP;
END $$;
GRANT strangler_owner, strangler_source, strangler_apply TO strangler_admin;
GRANT pg_read_all_stats TO strangler_admin, strangler_operator, strangler_source;`;

const ledgerSchema = `
-- 2. The schema of the ledger. Its tables are made by strangler setup, as strangler_admin.
CREATE SCHEMA IF NOT EXISTS strangler AUTHORIZATION strangler_owner;
GRANT USAGE ON SCHEMA strangler TO PUBLIC;
DO $$ BEGIN
  EXECUTE format('GRANT CREATE, CONNECT ON DATABASE %I TO strangler_admin', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO strangler_source, strangler_apply, strangler_facade, strangler_operator',
    current_database());
  -- Rows whose unique values move are taken aside into a temporary table.
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO strangler_apply', current_database());
END $$;`;

function rightsOnTables(tableArray: string): string {
  return `
-- 3. Rights on the tables that move, on their sequences, and (to read) on tables that refer to them.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT c.oid::regclass AS relation, n.nspname AS schema, pg_get_userbyid(c.relowner) AS owner, o.rolsuper
             FROM unnest(${tableArray}) t
             JOIN pg_class c ON c.oid = to_regclass(t)
             JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_roles o ON o.oid = c.relowner LOOP
    IF r.rolsuper THEN
      RAISE EXCEPTION 'table % belongs to the superuser %', r.relation, r.owner
        USING HINT = 'Give it an owner of its own: ALTER TABLE … OWNER TO …; strangler_admin becomes a member of that role.';
    END IF;
    EXECUTE format('GRANT %I TO strangler_admin', r.owner);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO strangler_owner, strangler_admin, strangler_source, strangler_apply, strangler_operator', r.schema);
    EXECUTE format('GRANT SELECT ON %s TO strangler_source, strangler_apply, strangler_operator', r.relation);
    EXECUTE format('GRANT INSERT, UPDATE, DELETE, TRUNCATE ON %s TO strangler_apply', r.relation);
  END LOOP;
  FOR r IN SELECT DISTINCT s.oid::regclass AS sequence
             FROM unnest(${tableArray}) t
             JOIN pg_attribute a ON a.attrelid = to_regclass(t) AND a.attnum > 0 AND NOT a.attisdropped
             LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
             JOIN pg_depend d ON (d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass)
                              OR (d.classid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i'))
             JOIN pg_class s ON s.relkind = 'S' AND s.oid IN (d.objid, d.refobjid) LOOP
    EXECUTE format('GRANT SELECT ON SEQUENCE %s TO strangler_owner, strangler_source, strangler_operator', r.sequence);
    EXECUTE format('GRANT SELECT, UPDATE ON SEQUENCE %s TO strangler_apply', r.sequence);
  END LOOP;
  FOR r IN SELECT DISTINCT f.conrelid::regclass AS relation, n.nspname AS schema
             FROM unnest(${tableArray}) t
             JOIN pg_constraint f ON f.contype = 'f' AND f.confrelid = to_regclass(t)
             JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO strangler_source', r.schema);
    EXECUTE format('GRANT SELECT ON %s TO strangler_source', r.relation);
  END LOOP;
END $$;`;
}

const rightsOfStreams = `
-- 4. What applying a stream needs: its own mark on what it writes (replication origins), and no triggers of the
--    table's own on rows that the other side's triggers have already seen.
GRANT SET ON PARAMETER session_replication_role TO strangler_apply;
GRANT EXECUTE ON FUNCTION pg_replication_origin_session_setup(text), pg_replication_origin_session_reset(),
  pg_replication_origin_session_is_setup(), pg_replication_origin_oid(text) TO strangler_apply;
GRANT EXECUTE ON FUNCTION pg_replication_origin_create(text), pg_replication_origin_drop(text),
  pg_replication_origin_oid(text) TO strangler_admin;
`;
