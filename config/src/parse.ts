import { createHash } from 'node:crypto';
import { messageOf, StranglerError } from '@strangler/errors';
import { parseTableName } from '@strangler/postgres';
import { parse as parsePath } from 'path-to-regexp';
import type { z } from 'zod';
import { configSchema } from './define.ts';
import type {
  Config,
  Extraction,
  Limits,
  ReaderRoute,
  Route,
  RouteKind,
  StatelessRoute,
  TableMapping,
} from './model.ts';

type Input = z.output<typeof configSchema>;
type ExtractionInput = NonNullable<Input['extractions']>[string];

/** Checks what a config file exports. @throws StranglerError CONFIG_INVALID with the path of each mistake. */
export function parseConfig(input: unknown, path: string): Config {
  const checked = configSchema.safeParse(input);
  if (!checked.success) {
    const issues = checked.error.issues.map(
      (issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`,
    );
    throw invalid(path, issues);
  }
  const { environment, monolith, flags } = checked.data;
  const extractions = Object.entries(checked.data.extractions ?? {}).map(([name, each]) =>
    extractionFrom(name, each, path),
  );
  const routes = Object.entries(checked.data.routes ?? {}).map(
    ([name, each]): StatelessRoute => ({
      name,
      ...split(each.match, path),
      service: bareUrl(each.service),
      client: pick(each.client ?? {}),
    }),
  );
  const config: Config = {
    path,
    hash: hashOf(checked.data),
    environment,
    monolith: { url: bareUrl(monolith.url), database: monolith.database },
    ...(flags ? { flags: { unleash: bareUrl(flags.unleash), token: flags.token } } : {}),
    extractions,
    routes,
  };
  refuseTwoOwners(config);
  return freeze(config);
}

function extractionFrom(name: string, input: ExtractionInput, path: string): Extraction {
  return {
    name,
    service: { url: bareUrl(input.service.url), database: input.service.database },
    client: pick(input.client ?? {}),
    routes: Object.entries(input.routes ?? {}).map(([route, each]): Route => {
      const { match, writes } = typeof each === 'string' ? { match: each, writes: undefined } : each;
      const parts = split(match, path);
      return { name: route, ...parts, kind: kindOf(parts.method, writes) };
    }),
    readers: (input.readers ?? []).map((each): ReaderRoute => {
      const { match, late } = typeof each === 'string' ? { match: each, late: undefined } : each;
      return { name: match, ...split(match, path), late: late ?? 'refuse' };
    }),
    tables: Object.entries(input.tables).map(([table, each]) => tableFrom(table, each, path)),
    limits: limitsFrom(name, input.limits ?? {}, path),
    unfinished: pick(input.unfinished ?? {}),
    parity: {
      requests: input.parity?.requests ?? [],
      clients: input.parity?.clients ?? [],
      ignore: input.parity?.ignore ?? [],
    },
  };
}

function kindOf(method: string, writes: boolean | undefined): RouteKind {
  if (writes !== undefined) return writes ? 'write' : 'read';
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? 'read' : 'write';
}

function split(match: string, path: string): { method: string; path: string } {
  const space = match.indexOf(' ');
  const pattern = match.slice(space + 1);
  try {
    parsePath(pattern);
  } catch (error) {
    throw invalid(path, [`route ${match}: ${messageOf(error)}`]);
  }
  return { method: match.slice(0, space), path: pattern };
}

function tableFrom(table: string, input: ExtractionInput['tables'][string], path: string): TableMapping {
  try {
    const monolith = parseTableName(table, 'public');
    return {
      monolith,
      service: input.to === undefined ? monolith : parseTableName(input.to, 'public'),
      columns: Object.entries(input.columns ?? {}).map(([column, each]) => ({
        column,
        to: each.to ?? column,
        omit: each.omit ?? false,
        ...pick({ from: each.from, back: each.back }),
      })),
    };
  } catch (error) {
    throw invalid(path, [`table ${table}: ${messageOf(error)}`]);
  }
}

function limitsFrom(name: string, input: NonNullable<ExtractionInput['limits']>, path: string): Limits {
  const limits: Limits = {
    lagMs: durationMs(input.lag ?? '2s'),
    drainMs: durationMs(input.drain ?? '1s'),
    fenceMs: durationMs(input.fence ?? '2s'),
    holdMs: durationMs(input.hold ?? '6s'),
    holdRequests: input.holdRequests ?? 1_000,
    ownWriteMs: durationMs(input.ownWrite ?? '50ms'),
    lateMs: durationMs(input.late ?? '2s'),
    walBytes: sizeBytes(input.wal ?? '10GB'),
  };
  // The hold must outlive what it waits for, or a write released by a lapse would meet a shut door.
  const least = 2 * limits.drainMs + limits.fenceMs + 500;
  if (limits.holdMs < least) {
    throw invalid(path, [
      `extractions.${name}.limits.hold: ${limits.holdMs} ms is shorter than twice the drain, the fence and a margin: ${least} ms`,
    ]);
  }
  return limits;
}

/** A route that two owners claim could send a write to the wrong one. */
function refuseTwoOwners(config: Config): void {
  const claims = new Map<string, string>();
  const claim = (owner: string, route: { method: string; path: string }) => {
    const key = `${route.method} ${route.path.replaceAll(/[:*][A-Za-z_][A-Za-z0-9_]*/g, ':')}`;
    const other = claims.get(key);
    if (other !== undefined)
      throw invalid(config.path, [`${route.method} ${route.path} is claimed by ${other} and by ${owner}`]);
    claims.set(key, owner);
  };
  const tables = new Map<string, string>();
  for (const extraction of config.extractions) {
    for (const route of extraction.routes)
      claim(`extractions.${extraction.name}.routes.${route.name}`, route);
    for (const route of extraction.readers) claim(`extractions.${extraction.name}.readers`, route);
    for (const { monolith } of extraction.tables) {
      const table = `${monolith.schema}.${monolith.name}`;
      const other = tables.get(table);
      if (other !== undefined)
        throw invalid(config.path, [`table ${table} is claimed by ${other} and by ${extraction.name}`]);
      tables.set(table, extraction.name);
    }
  }
  for (const route of config.routes) claim(`routes.${route.name}`, route);
}

function invalid(path: string, issues: readonly string[]): StranglerError {
  return new StranglerError(
    'CONFIG_INVALID',
    `${path}: ${issues.join('; ')}.`,
    'Correct the config; docs/config.md lists every key.',
  );
}

function durationMs(text: string): number {
  const [, value, unit] = /^([\d.]+)(ms|s|m)$/.exec(text) ?? [];
  return Math.round(Number(value) * (unit === 'm' ? 60_000 : unit === 's' ? 1_000 : 1));
}

function sizeBytes(text: string): bigint {
  const [, value, unit] = /^([\d.]+)(MB|GB|TB)$/.exec(text) ?? [];
  return BigInt(Math.round(Number(value) * (unit === 'TB' ? 1e12 : unit === 'GB' ? 1e9 : 1e6)));
}

function bareUrl(url: string): string {
  return url.replace(/\/+$/, '');
}

/** Drops keys without a value, as exactOptionalPropertyTypes wants it. */
function pick<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** URLs and tokens differ between environments and are left out. */
function hashOf(data: Input): string {
  const stable = {
    extractions: Object.entries(data.extractions ?? {}).map(([name, each]) => [
      name,
      each.routes,
      each.readers,
      each.tables,
    ]),
    routes: Object.entries(data.routes ?? {}).map(([name, each]) => [name, each.match]),
  };
  return createHash('sha256').update(JSON.stringify(stable)).digest('hex').slice(0, 16);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) freeze(each);
  }
  return value;
}
