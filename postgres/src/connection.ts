import { messageOf, StranglerError } from '@strangler/errors';
import pg from 'pg';
import { ident } from './names.ts';

/** The roles that `strangler setup` makes; each process connects only as its own (invariant 10). */
export type Role = 'admin' | 'source' | 'apply' | 'facade' | 'operator';

/** A row as the server printed it: text or null, by column name. */
export type Row = Record<string, string | null>;

/** Whatever runs a statement: a connection, a connection in a transaction, a pool. */
export interface Sql {
  query(text: string, values?: unknown[]): Promise<{ rows: Row[] }>;
}

export interface ConnectOptions {
  /** `postgresql://host:port/database?sslmode=…`; a user, a password and settings in it are left out. */
  readonly url: string;
  readonly role: Role;
  /** What pg_stat_activity shows. */
  readonly name: string;
  /** Schemas in which unqualified names of mapping expressions are looked up, after pg_catalog. */
  readonly searchPath?: readonly string[];
  readonly connectTimeoutMs?: number;
  /** More pinned settings, e.g. `lock_timeout`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Parameters of a URL that would win over the role, or over what every connection of ours pins. */
const overriding = ['user', 'password', 'options', 'application_name', 'client_encoding', 'replication'];

/** The URL with the role's user, and its password from `STRANGLER_<ROLE>_PASSWORD` if that is set. */
export function roleUrl(url: string, role: Role): string {
  const parsed = new URL(url);
  for (const name of overriding) parsed.searchParams.delete(name);
  parsed.username = `strangler_${role}`;
  parsed.password = encodeURIComponent(process.env[passwordVariable(role)] ?? '');
  return parsed.toString();
}

function passwordVariable(role: Role): string {
  return `STRANGLER_${role.toUpperCase()}_PASSWORD`;
}

/** Every setting that changes a value's text or a name's meaning, the same on every connection of ours (trap 23). */
const textSettings = {
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  TimeZone: 'UTC',
  xmlbinary: 'base64',
  row_security: 'off',
  default_transaction_isolation: 'read committed',
  idle_in_transaction_session_timeout: '60s',
  standard_conforming_strings: 'on',
};

/** Values stay the text that the server printed (invariant 5, trap 24). */
const asText: pg.CustomTypesConfig = { getTypeParser: () => (value: string | Buffer) => value.toString() };

function clientConfig(options: ConnectOptions): pg.ClientConfig {
  const settings = {
    ...textSettings,
    search_path: ['pg_catalog', ...(options.searchPath ?? []).map(ident), 'pg_temp'].join(', '),
    ...options.settings,
  };
  const flags = Object.entries(settings).map(
    ([key, value]) => `-c ${key}=${value.replaceAll(/([\\\s])/g, '\\$1')}`,
  );
  return {
    connectionString: roleUrl(options.url, options.role),
    application_name: `strangler ${options.name}`,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    client_encoding: 'UTF8',
    options: flags.join(' '),
    keepAlive: true,
    types: asText,
  };
}

/** One connection with pinned settings. @throws StranglerError DATABASE_UNREACHABLE or ROLE_REFUSED. */
export async function connect(options: ConnectOptions): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(options));
  // A connection that dies between two queries says so here; the next query reports it.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw connectionError(options, error);
  }
}

/** A connection that speaks the replication protocol (manual, chapter "Streaming Replication Protocol"). Not yet connected. */
export function replicationClient(options: ConnectOptions): pg.Client {
  const config: pg.ClientConfig & { replication: 'database' } = {
    ...clientConfig(options),
    replication: 'database',
  };
  const client = new pg.Client(config);
  client.on('error', () => {});
  return client;
}

/** A pool of such connections. */
export class SqlPool {
  readonly #pool: pg.Pool;
  readonly #options: ConnectOptions;

  constructor(options: ConnectOptions & { max: number }) {
    this.#options = options;
    this.#pool = new pg.Pool({ ...clientConfig(options), max: options.max, idleTimeoutMillis: 30_000 });
    this.#pool.on('error', () => {});
  }

  async query(text: string, values: unknown[] = []): Promise<{ rows: Row[] }> {
    return await this.with(async (client) => await client.query<Row>(text, values));
  }

  /** Lends a connection for `work`; it is closed instead of returned if `work` throws. */
  async with<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw connectionError(this.#options, error);
    });
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}

/** What a failed connection means for the person who sees it. Secrets in the URL are left out. */
export function connectionError(
  options: Pick<ConnectOptions, 'url' | 'role'>,
  error: unknown,
): StranglerError {
  const { host, pathname } = new URL(options.url);
  const where = `strangler_${options.role} at ${host}${pathname}`;
  const variable = passwordVariable(options.role);
  const sqlState = error instanceof pg.DatabaseError ? error.code : undefined;
  // The server asks for a password that the client doesn't have: said by the client, without a SQLSTATE.
  const unasked = messageOf(error).startsWith('SASL') && !process.env[variable];
  if (unasked || sqlState === '28P01' || sqlState === '28000' || sqlState === '42501') {
    return new StranglerError(
      'ROLE_REFUSED',
      `PostgreSQL refuses ${where}: ${unasked ? `it wants a password, and ${variable} is not set` : messageOf(error)}.`,
      `Run the SQL that \`strangler setup --sql\` prints as the DBA, and set ${variable}.`,
      { cause: error },
    );
  }
  return new StranglerError(
    'DATABASE_UNREACHABLE',
    `Cannot connect as ${where}: ${messageOf(error)}.`,
    'Check the URL in the config and that PostgreSQL runs and accepts connections from here.',
    { cause: error },
  );
}
