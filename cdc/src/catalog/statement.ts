const kindOf = (
  column: string,
) => `CASE ${column} WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign'
  WHEN 'v' THEN 'view' ELSE 'materialized view' END`;

const actionOf = (column: string) => `CASE ${column} WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'
  WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' ELSE 'no action' END`;

const nameOf = (relation: string) =>
  `(SELECT json_build_object('schema', n.nspname, 'name', c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ${relation})`;

const columnsOf = (relation: string, numbers: string) =>
  `(SELECT coalesce(json_agg(a.attname ORDER BY k.at), '[]')
      FROM unnest(${numbers}) WITH ORDINALITY k (attnum, at)
      JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.attnum)`;

const foreignKeys = (condition: string) => `
  (SELECT coalesce(json_agg(json_build_object(
     'name', f.conname, 'table', ${nameOf('f.conrelid')}, 'columns', ${columnsOf('f.conrelid', 'f.conkey')},
     'references', ${nameOf('f.confrelid')}, 'referencedColumns', ${columnsOf('f.confrelid', 'f.confkey')},
     'onDelete', ${actionOf('f.confdeltype')}, 'onUpdate', ${actionOf('f.confupdtype')},
     'deferrable', f.condeferrable, 'validated', f.convalidated) ORDER BY f.conname), '[]')
   FROM pg_constraint f WHERE f.contype = 'f' AND f.conparentid = 0 AND ${condition})`;

const columns = `
  (SELECT coalesce(json_agg(json_build_object(
     'name', a.attname, 'typeOid', t.oid::bigint, 'builtin', t.oid < 16384,
     'type', CASE WHEN t.oid >= 16384 AND pg_type_is_visible(coalesce(e.oid, t.oid))
                  THEN quote_ident(tn.nspname) || '.' ELSE '' END || format_type(t.oid, a.atttypmod),
     'baseType', CASE WHEN t.typtype = 'd' AND t.typbasetype < 16384 THEN format_type(t.typbasetype, t.typtypmod) END,
     'enumLabels', (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder)
                      FROM pg_enum l WHERE l.enumtypid = coalesce(e.oid, t.oid)),
     'typeKind', CASE coalesce(e.typtype, t.typtype) WHEN 'c' THEN 'composite' WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum'
                   WHEN 'r' THEN 'range' WHEN 'm' THEN 'multirange' ELSE 'base' END,
     'checks', (SELECT coalesce(json_agg(pg_get_expr(k.conbin, k.conrelid) ORDER BY k.conname), '[]')
                  FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.convalidated
                   AND NOT k.connoinherit AND k.conkey = ARRAY[a.attnum]),
     'notNull', a.attnotnull, 'default', pg_get_expr(d.adbin, d.adrelid),
     'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
     'generated', a.attgenerated <> '',
     'storage', CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END
     ) ORDER BY a.attnum), '[]')
   FROM pg_attribute a
   JOIN pg_type t ON t.oid = a.atttypid
   LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
   JOIN pg_namespace tn ON tn.oid = coalesce(e.typnamespace, t.typnamespace)
   LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped)`;

const uniqueIndexes = `
  (SELECT coalesce(json_agg(json_build_object(
     'name', ic.relname, 'primary', i.indisprimary, 'partial', i.indpred IS NOT NULL,
     'immediate', i.indimmediate, 'valid', i.indisvalid,
     'columns', (SELECT json_agg(a.attname ORDER BY k.at)
                   FROM unnest(i.indkey) WITH ORDINALITY k (attnum, at)
                   LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
                  WHERE k.at <= i.indnkeyatts)) ORDER BY ic.relname), '[]')
   FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
   WHERE i.indrelid = r.oid AND i.indisunique)`;

/** An identity or serial by pg_depend from the sequence; any other default with nextval by pg_depend of the default (trap: shared sequences). */
const sequences = `
  (SELECT coalesce(json_agg(json_build_object('column', a.attname, 'sequence', ${nameOf('s.seqrelid')},
     'cache', s.seqcache::text, 'increment', s.seqincrement::text) ORDER BY a.attnum), '[]')
   FROM (SELECT p.refobjsubid AS attnum, p.objid AS sequence
           FROM pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass
            AND p.refobjid = r.oid AND p.deptype = 'i'
         UNION
         SELECT d.adnum, p.refobjid FROM pg_attrdef d
           JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
            AND p.refclassid = 'pg_class'::regclass
          WHERE d.adrelid = r.oid) used
   JOIN pg_sequence s ON s.seqrelid = used.sequence
   JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = used.attnum)`;

/** Parameters: schemas, names. One row per table that is there; `facts` is the JSON that `readCatalog` parses. */
export const catalogSql = `
WITH RECURSIVE relation (oid) AS (
  SELECT DISTINCT c.oid FROM unnest($1::text[], $2::text[]) w (schema, name)
    JOIN pg_namespace n ON n.nspname = w.schema
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
), tree (root, oid) AS (
  SELECT oid, oid FROM relation
  UNION SELECT t.root, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
)
SELECT json_build_object(
  'table', json_build_object('schema', rn.nspname, 'name', r.relname),
  'oid', r.oid::bigint,
  'kind', ${kindOf('r.relkind')},
  'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' ELSE 'permanent' END,
  'serverVersion', current_setting('server_version_num')::int,
  'owner', pg_get_userbyid(r.relowner),
  'rowSecurity', r.relrowsecurity,
  'replicaIdentity', CASE r.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN 'index' ELSE 'default' END,
  'identityIndex', (SELECT ic.relname FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
                     WHERE i.indrelid = r.oid AND i.indisreplident),
  'estimatedRows', (SELECT CASE WHEN bool_or(c.reltuples >= 0) THEN sum(greatest(c.reltuples, 0)) ELSE -1 END
                      FROM tree t JOIN pg_class c ON c.oid = t.oid WHERE t.root = r.oid AND c.relkind = 'r'),
  'pages', (SELECT coalesce(sum(pg_relation_size(t.oid)), 0) / current_setting('block_size')::int
              FROM tree t WHERE t.root = r.oid),
  'columns', ${columns},
  'primaryKey', (SELECT coalesce(json_agg(a.attname ORDER BY k.at), '[]')
                   FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k (attnum, at), pg_attribute a
                  WHERE i.indrelid = r.oid AND i.indisprimary AND a.attrelid = r.oid AND a.attnum = k.attnum
                    AND k.at <= i.indnkeyatts),
  'uniqueIndexes', ${uniqueIndexes},
  'foreignKeys', ${foreignKeys('f.conrelid = r.oid')},
  'referencedBy', ${foreignKeys('f.confrelid = r.oid')},
  'triggers', (SELECT coalesce(json_agg(json_build_object('name', g.tgname, 'enabled',
       CASE g.tgenabled WHEN 'O' THEN 'origin' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'disabled' END)
       ORDER BY g.tgname), '[]') FROM pg_trigger g WHERE g.tgrelid = r.oid AND NOT g.tgisinternal),
  'children', (SELECT coalesce(json_agg(json_build_object('table', ${nameOf('t.oid')}, 'kind', ${kindOf('c.relkind')},
       'partition', c.relispartition, 'full', c.relreplident = 'f') ORDER BY t.oid), '[]')
       FROM tree t JOIN pg_class c ON c.oid = t.oid WHERE t.root = r.oid AND t.oid <> r.oid),
  'sequences', ${sequences},
  'publications', (SELECT coalesce(json_agg(DISTINCT p.pubname), '[]') FROM pg_publication p
       LEFT JOIN pg_publication_rel pr ON pr.prpubid = p.oid AND pr.prrelid IN (SELECT t.oid FROM tree t WHERE t.root = r.oid)
       WHERE p.puballtables OR pr.oid IS NOT NULL OR EXISTS (
             SELECT FROM pg_publication_namespace pn WHERE pn.pnpubid = p.oid AND pn.pnnspid = r.relnamespace)),
  'subscriptions', (SELECT coalesce(json_agg(DISTINCT s.subname), '[]') FROM pg_subscription_rel sr
       JOIN pg_subscription s ON s.oid = sr.srsubid
       WHERE sr.srrelid IN (SELECT t.oid FROM tree t WHERE t.root = r.oid))
)::text AS facts
FROM relation r0 JOIN pg_class r ON r.oid = r0.oid JOIN pg_namespace rn ON rn.oid = r.relnamespace`;
