import type { Config, Extraction } from '@strangler/config';
import { SqlPool } from '@strangler/postgres';
import { type Catalog, readCatalog } from '../catalog/index.ts';
import { resolvePlan, schemasOf, tablesOf } from '../plan/index.ts';
import { type ComparedTable, comparedTable } from './compared-table.ts';
import { findOrphans } from './orphans.ts';
import { type TableResult, type VerifyResult, verdictOf } from './result.ts';
import { settle } from './settle.ts';
import { type BothSides, findSuspects } from './suspects.ts';

/** How far the comparison of one table is. */
export interface VerifyProgress {
  readonly table: string;
  readonly rows: number;
}

export interface VerifyOptions {
  readonly config: Config;
  readonly extraction: Extraction;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
  /** How long to wait for the stream before rows that differ are called indeterminate; 15 s by default. */
  readonly catchUpMs?: number;
  /** Rows per range, and from which size on rows are compared one by one; 10,000 and 1,000 by default. */
  readonly rangeRows?: number;
  readonly leafRows?: number;
  /** After so many differing rows of a table the rest isn't looked at; 20,000 by default. */
  readonly maxSuspects?: number;
}

/**
 * Compares every row of the extraction's tables on both sides, while both are in use and whichever owns. The databases
 * compute the checksums; only rows that differ travel. An unreadable side is an error, never a difference (trap 34).
 * @throws StranglerError CONFIG_INVALID, CHECK_FAILED, DATABASE_UNREACHABLE, ROLE_REFUSED; whatever the databases say.
 */
export async function verifyTables(options: VerifyOptions): Promise<VerifyResult> {
  const { config, extraction } = options;
  const reader = (side: 'monolith' | 'service', url: string): SqlPool =>
    new SqlPool({
      url,
      role: 'source',
      name: `verify ${extraction.name}`,
      searchPath: schemasOf(extraction, side),
      settings: { statement_timeout: '5min' },
      max: 3,
    });
  const monolith = reader('monolith', config.monolith.database);
  const service = reader('service', extraction.service.database);
  try {
    return await compare(options, { monolith, service });
  } finally {
    await Promise.all([monolith.end(), service.end()]);
  }
}

async function compare(options: VerifyOptions, sides: BothSides): Promise<VerifyResult> {
  const { extraction } = options;
  const catalogs = {
    monolith: await readCatalog(sides.monolith, tablesOf(extraction, 'monolith')),
    service: await readCatalog(sides.service, tablesOf(extraction, 'service')),
  };
  const tables: TableResult[] = [];
  for (const plan of resolvePlan('forward', extraction, catalogs)) {
    tables.push(await compareTable(options, sides, comparedTable(plan, catalogs)));
  }
  return { verdict: verdictOf(tables), tables, orphans: await orphansOfBoth(sides, catalogs) };
}

async function compareTable(
  options: VerifyOptions,
  sides: BothSides,
  table: ComparedTable,
): Promise<TableResult> {
  const { signal } = options;
  const name = table.monolith.table;
  const suspects = await findSuspects(table, sides, {
    signal,
    onRows: (rows) => options.onProgress?.({ table: name, rows }),
    rangeRows: options.rangeRows ?? 10_000,
    leafRows: options.leafRows ?? 1_000,
    maxSuspects: options.maxSuspects ?? 20_000,
  });
  const settled = await settle(table, sides, suspects.keys, {
    extraction: options.extraction.name,
    signal,
    catchUpMs: options.catchUpMs ?? 15_000,
  });
  return { table: name, rows: suspects.rows, ...settled, more: suspects.more };
}

async function orphansOfBoth(sides: BothSides, catalogs: { monolith: Catalog; service: Catalog }) {
  const [monolith, service] = await Promise.all([
    findOrphans(sides.monolith, 'monolith', catalogs.monolith),
    findOrphans(sides.service, 'service', catalogs.service),
  ]);
  return [...monolith, ...service];
}
