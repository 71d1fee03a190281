import { createHash } from 'node:crypto';
import { messageOf } from '@strangler/errors';
import { parseTableName } from '@strangler/postgres';
import { parse as parsePath } from 'path-to-regexp';
import type { z } from 'zod';
import { configSchema } from './define.ts';
import { invalid, mistakes } from './mistakes.ts';
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
import { refuseTwoOwners } from './owners.ts';

type Input = z.output<typeof configSchema>;
type ExtractionInput = NonNullable<Input['extractions']>[string];

/** Checks what a config file exports. @throws StranglerError CONFIG_INVALID with the path of each mistake. */
export function parseConfig(input: unknown, path: string): Config {
  const checked = configSchema.safeParse(input);
  if (!checked.success) {
    throw invalid(
      path,
      checked.error.issues.flatMap((issue) => mistakes(issue)),
    );
  }
  const { environment, monolith, flags, grown } = checked.data;
  const extractions = Object.entries(checked.data.extractions ?? {}).map(([name, each]) =>
    extractionFrom(name, each, path),
  );
  const routes = Object.entries(checked.data.routes ?? {}).map(
    ([name, each]): StatelessRoute => ({
      name,
      ...split(each.match, `routes.${name}`, path),
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
    ...(grown ? { grown: { kafka: grown.kafka, connect: bareUrl(grown.connect) } } : {}),
    extractions,
    routes,
  };
  refuseTwoOwners(config);
  refuseEngineWithoutKafka(config);
  return freeze(config);
}

function extractionFrom(name: string, input: ExtractionInput, path: string): Extraction {
  const at = `extractions.${name}`;
  return {
    name,
    service: { url: bareUrl(input.service.url), database: input.service.database },
    client: pick(input.client ?? {}),
    routes: Object.entries(input.routes ?? {}).map(([route, each]): Route => {
      const { match, writes } = typeof each === 'string' ? { match: each, writes: undefined } : each;
      const parts = split(match, `${at}.routes.${route}`, path);
      return { name: route, ...parts, kind: kindOf(parts.method, writes) };
    }),
    readers: (input.readers ?? []).map((each, index): ReaderRoute => {
      const { match, late } = typeof each === 'string' ? { match: each, late: undefined } : each;
      return { name: match, ...split(match, `${at}.readers.${index}`, path), late: late ?? 'refuse' };
    }),
    tables: Object.entries(input.tables).map(([table, each]) => tableFrom(table, each, at, path)),
    engine: input.engine ?? 'embedded',
    plainArrays: input.plainArrays ?? false,
    limits: limitsFrom(at, input.limits ?? {}, path),
    unfinished: pick(input.unfinished ?? {}),
    parity: {
      requests: input.parity?.requests ?? [],
      clients: input.parity?.clients ?? [],
      ignore: input.parity?.ignore ?? [],
    },
  };
}

function refuseEngineWithoutKafka({ path, grown, extractions }: Config): void {
  const without = extractions.filter((each) => each.engine === 'debezium' && !grown);
  if (without.length === 0) return;
  throw invalid(
    path,
    without.map((each) => `extractions.${each.name}.engine: debezium needs \`grown\` with kafka and connect`),
  );
}

function kindOf(method: string, writes: boolean | undefined): RouteKind {
  if (writes !== undefined) return writes ? 'write' : 'read';
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? 'read' : 'write';
}

function split(match: string, at: string, path: string): { method: string; path: string } {
  const space = match.indexOf(' ');
  const pattern = match.slice(space + 1);
  try {
    parsePath(pattern);
  } catch (error) {
    throw invalid(path, [`${at}: ${messageOf(error)}`]);
  }
  return { method: match.slice(0, space), path: pattern };
}

function tableFrom(
  table: string,
  input: ExtractionInput['tables'][string],
  at: string,
  path: string,
): TableMapping {
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
    throw invalid(path, [`${at}.tables.${table}: ${messageOf(error)}`]);
  }
}

function limitsFrom(at: string, input: NonNullable<ExtractionInput['limits']>, path: string): Limits {
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
      `${at}.limits.hold: ${limits.holdMs} ms is shorter than twice the drain, the fence and a margin: ${least} ms`,
    ]);
  }
  return limits;
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
