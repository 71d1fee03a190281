import { StranglerError } from '@strangler/errors';
import type { TableName } from '@strangler/postgres';

/** Who a client is, for flags that stick and for tokens of clients without cookies; the first that is there counts. */
export interface ClientIdentity {
  /** A claim of the bearer's JWT. It is read, not verified: it decides only where a request goes. */
  readonly jwt?: string;
  readonly cookie?: string;
  readonly header?: string;
}

export type RouteKind = 'read' | 'write';

/** A method and a path pattern (`/api/orders/:id`, path-to-regexp's syntax). */
export interface Route {
  readonly name: string;
  /** Upper case; a read route of GET also answers HEAD. */
  readonly method: string;
  readonly path: string;
  readonly kind: RouteKind;
}

export type Late = 'refuse' | 'serve';

/** A route that stays in the monolith and shows the extraction's rows. */
export interface ReaderRoute {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  /** What to do when the monolith's copy has not applied the client's own write in time. */
  readonly late: Late;
}

/** A route without tables: moved by its flag alone. */
export interface StatelessRoute {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly service: string;
  readonly client: ClientIdentity;
}

export interface ColumnMapping {
  /** The monolith's column. */
  readonly column: string;
  /** The service's column. */
  readonly to: string;
  /** SQL over the monolith's columns of the row, giving the service's value. */
  readonly from?: string;
  /** SQL over the service's columns of the row, giving the monolith's value. */
  readonly back?: string;
  /** The column stays behind: never copied, left alone on the way back. */
  readonly omit: boolean;
}

export interface TableMapping {
  readonly monolith: TableName;
  readonly service: TableName;
  /** Only the columns that differ; every other column keeps name and value. */
  readonly columns: readonly ColumnMapping[];
}

/** Bounds, in milliseconds and bytes. */
export interface Limits {
  /** Reads go to the service only while its copy is at most this far behind. */
  readonly lagMs: number;
  /** How long writes in flight may take to end before a switch gives up. */
  readonly drainMs: number;
  /** How long a fence stands undecided before it lapses. */
  readonly fenceMs: number;
  /** How long a facade holds writes at most. */
  readonly holdMs: number;
  /** How many requests a facade holds at most. */
  readonly holdRequests: number;
  /** How long a flagged read waits for the client's own write to arrive before the owner answers it. */
  readonly ownWriteMs: number;
  /** How long a reader route waits for the client's own write to arrive in the monolith's copy. */
  readonly lateMs: number;
  /** What a slot may retain on its database before its extraction is given up. */
  readonly walBytes: bigint;
}

export interface ParityPlan {
  /** `GET /path` of reads whose answers are compared. */
  readonly requests: readonly string[];
  /** Headers of each client that asks; values may come from the environment. */
  readonly clients: readonly Readonly<Record<string, string>>[];
  /** Paths in JSON bodies (`$.orders[*].etag`) that may differ. */
  readonly ignore: readonly string[];
}

export interface Extraction {
  readonly name: string;
  readonly service: { readonly url: string; readonly database: string };
  readonly client: ClientIdentity;
  readonly routes: readonly Route[];
  readonly readers: readonly ReaderRoute[];
  readonly tables: readonly TableMapping[];
  /** Who reads the slots: our own reader, or Debezium into Kafka. */
  readonly engine: 'embedded' | 'debezium';
  /** The user's word that no array in the tables has more than one dimension or begins elsewhere than at 1: Debezium would lose that. */
  readonly plainArrays: boolean;
  readonly limits: Limits;
  /** SQL giving one number per side: business steps under way that must end before ownership moves. */
  readonly unfinished: { readonly monolith?: string; readonly service?: string };
  readonly parity: ParityPlan;
}

/** The whole of strangler.config.ts, checked and frozen. */
export interface Config {
  /** The file it came from. */
  readonly path: string;
  /** Of routes, readers and tables: an extraction remembers what it was made from. Addresses and secrets are not in it. */
  readonly hash: string;
  readonly environment: string;
  readonly monolith: { readonly url: string; readonly database: string };
  /** Kafka's brokers as host:port, and Connect's address, of extractions with the engine `debezium`. */
  readonly grown?: { readonly kafka: readonly string[]; readonly connect: string };
  readonly flags?: { readonly unleash: string; readonly token: string };
  readonly extractions: readonly Extraction[];
  readonly routes: readonly StatelessRoute[];
}

/** @throws StranglerError USAGE when the config has no such extraction. */
export function extractionOf(config: Config, name: string): Extraction {
  const found = config.extractions.find((extraction) => extraction.name === name);
  if (found) return found;
  const names = config.extractions.map((extraction) => extraction.name).join(', ');
  throw new StranglerError('USAGE', `There is no extraction ${name}.`, `The config has: ${names || 'none'}.`);
}

/** The name of a route's flag in Unleash. */
export function flagName(extraction: string | undefined, route: string): string {
  return extraction === undefined ? `strangler.route.${route}` : `strangler.${extraction}.${route}`;
}
