/** A table as the catalogue names it: case and spaces are kept, nothing is folded. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** The one place where an identifier is quoted for SQL. */
export function ident(name: string): string {
  if (name.includes('\0')) throw new RangeError('an identifier cannot hold a zero byte');
  return `"${name.replaceAll('"', '""')}"`;
}

export function qualified(table: TableName): string {
  return `${ident(table.schema)}.${ident(table.name)}`;
}

/** Quotes a text literal, for the few statements that take no parameters (DDL, replication commands). */
export function literal(text: string): string {
  if (text.includes('\0')) throw new RangeError('a literal cannot hold a zero byte');
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/**
 * Reads `name`, `schema.name` or `"Sche ma"."Na.me"`; unquoted parts are taken to the letter (no folding).
 * @throws RangeError if the text is not one or two such parts.
 */
export function parseTableName(text: string, defaultSchema: string): TableName {
  const part = '("(?:[^"]|"")+"|[^".]+)';
  const match = new RegExp(`^${part}(?:\\.${part})?$`).exec(text);
  const first = match?.[1];
  if (!match || first === undefined) throw new RangeError(`not a table name: ${text}`);
  const second = match[2];
  return second === undefined
    ? { schema: defaultSchema, name: bare(first) }
    : { schema: bare(first), name: bare(second) };
}

function bare(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
}
