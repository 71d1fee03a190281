import { type ConnectorState, connectorOf, type SlotHealth, slotHealth } from '@strangler/cdc';
import type { Config, Extraction } from '@strangler/config';
import { messageOf } from '@strangler/errors';
import {
  type Checkpoint,
  type Direction,
  type Engine,
  isOpen,
  ledgerExists,
  type Ownership,
  openViolations,
  ownerOf,
  readCheckpoint,
  readExtraction,
  readFacades,
  readOwnership,
  type Side,
  type Stage,
  slotName,
  sourceOf,
  targetOf,
} from '@strangler/ledger';
import { formatLsn, type Sql } from '@strangler/postgres';
import { openDatabases } from '../databases.ts';

export interface StreamStatus {
  readonly direction: Direction;
  readonly up: boolean;
  readonly applied: string;
  readonly lagBytes: string;
  readonly lagMs: number;
  readonly stopped: string | null;
  readonly engine: Engine;
  /** Debezium's connector; its state is Connect's word, which says RUNNING also when nothing flows: lag tells. */
  readonly connector: { readonly name: string; readonly state: string; readonly trace: string | null } | null;
  readonly slot: {
    readonly name: string;
    readonly retainedBytes: string;
    readonly percentOfBudget: number;
    readonly state: string;
  } | null;
}

export interface ExtractionStatus {
  readonly extraction: string;
  readonly stage: Stage;
  readonly owner: Side | 'none';
  readonly epochs: { readonly monolith: string | null; readonly service: string | null };
  readonly homes: readonly string[];
  readonly streams: readonly StreamStatus[];
  readonly facades: readonly { id: string; epoch: string; inFlight: number; held: number; up: boolean }[];
  readonly violations: number;
  readonly run: { readonly verb: string; readonly holder: string; readonly step: string | null } | null;
  /** What an operator should know, worst first. */
  readonly warnings: readonly string[];
}

const connectorMs = 5_000;

/** Reads everything that `strangler status` shows of an extraction. */
export async function extractionStatus(config: Config, extraction: Extraction): Promise<ExtractionStatus> {
  const name = extraction.name;
  await using databases = await openDatabases(config, extraction, 'operator', 'status');
  const home = databases.monolith;
  const row = (await ledgerExists(home)) ? await readExtraction(home, name) : undefined;
  if (!row) return planned(name);
  const monolith = await readOwnership(home, name);
  const service = await readOwnership(databases.service, name);
  const streams = [
    await streamStatus(config, extraction, databases, 'forward'),
    await streamStatus(config, extraction, databases, 'reverse'),
  ].filter((stream) => stream !== undefined);
  const facades = await readFacades(home, name);
  const violations = (await openViolations(home, name)) + (await openViolations(databases.service, name));
  return {
    extraction: name,
    stage: row.stage,
    owner: ownerNow(monolith, service),
    epochs: {
      monolith: monolith ? String(monolith.epoch) : null,
      service: service ? String(service.epoch) : null,
    },
    homes: row.homes,
    streams,
    facades: facades.map(({ id, epoch, inFlight, held, expired }) => ({
      id,
      epoch: String(epoch),
      inFlight,
      held,
      up: !expired,
    })),
    violations,
    run: await activeRun(home, name),
    warnings: [
      ...(row.stage === 'lost'
        ? [
            `the slot was given up to protect the disk: run \`strangler cancel ${name}\`, then \`strangler sync ${name}\``,
          ]
        : []),
      ...(violations > 0 ? [`${violations} rows got past the fence: see strangler.violation`] : []),
      ...(row.configHash === config.hash ? [] : ['the config has changed since the last sync']),
      ...streams.flatMap(streamWarnings),
    ],
  };
}

function planned(extraction: string): ExtractionStatus {
  return {
    extraction,
    stage: 'planned',
    owner: 'monolith',
    epochs: { monolith: null, service: null },
    homes: [],
    streams: [],
    facades: [],
    violations: 0,
    run: null,
    warnings: [],
  };
}

function ownerNow(monolith: Ownership | undefined, service: Ownership | undefined): Side | 'none' {
  const owner = ownerOf(monolith, service);
  if (!owner) return monolith ? 'none' : 'monolith';
  return isOpen(owner) ? owner.side : 'none';
}

async function streamStatus(
  config: Config,
  extraction: Extraction,
  databases: Record<Side, Sql>,
  direction: Direction,
): Promise<StreamStatus | undefined> {
  const checkpoint = await readCheckpoint(databases[targetOf[direction]], extraction.name, direction);
  if (!checkpoint) return undefined;
  const slot = slotName(config.environment, extraction.name, direction);
  const health = await slotHealth(databases[sourceOf[direction]], slot).catch((error: unknown) =>
    messageOf(error),
  );
  const connector = await connectorOf(config, checkpoint, AbortSignal.timeout(connectorMs));
  return {
    direction,
    up: isUp(checkpoint),
    applied: formatLsn(checkpoint.applied),
    lagBytes: String(checkpoint.lagBytes),
    lagMs: checkpoint.lagMs + (isUp(checkpoint) ? 0 : checkpoint.ageMs),
    stopped: checkpoint.stopped,
    engine: checkpoint.engine,
    connector: connector ? { name: connector.name, ...connectorStatus(connector.found) } : null,
    slot:
      typeof health === 'string' || health === undefined
        ? null
        : slotStatus(slot, health, extraction.limits.walBytes),
  };
}

function connectorStatus(found: ConnectorState | 'missing' | 'unknown') {
  if (typeof found === 'string') return { state: found, trace: null };
  const state = found.state === 'RUNNING' ? (found.task ?? 'no task') : found.state;
  return { state, trace: found.trace?.split('\n')[0] ?? null };
}

function isUp(checkpoint: Checkpoint): boolean {
  return checkpoint.stopped === null && checkpoint.holder !== null && checkpoint.ageMs < 3_000;
}

function slotStatus(name: string, health: SlotHealth, budget: bigint): NonNullable<StreamStatus['slot']> {
  return {
    name,
    retainedBytes: String(health.retainedBytes),
    percentOfBudget: Number((health.retainedBytes * 1000n) / budget) / 10,
    state: health.walStatus,
  };
}

function streamWarnings(stream: StreamStatus): string[] {
  const warnings: string[] = [];
  if (stream.stopped !== null) warnings.push(`${stream.direction} stream stands still: ${stream.stopped}`);
  else if (!stream.up) warnings.push(`${stream.direction} stream is not up: start \`strangler serve cdc\``);
  const { connector } = stream;
  if (connector && connector.state !== 'RUNNING')
    warnings.push(
      `${stream.direction} connector ${connector.name} is ${connector.state}${connector.trace ? `: ${connector.trace}` : ''}`,
    );
  if (!stream.slot) warnings.push(`${stream.direction} slot is gone`);
  const threshold = [90, 75, 50].find((percent) => (stream.slot?.percentOfBudget ?? 0) >= percent);
  if (threshold !== undefined)
    warnings.push(`${stream.direction} slot retains over ${threshold} % of its budget (limits.wal)`);
  return warnings;
}

async function activeRun(home: Sql, extraction: string): Promise<ExtractionStatus['run']> {
  const { rows } = await home.query(
    `SELECT verb, holder, step FROM strangler.run WHERE extraction = $1 AND outcome IS NULL AND lease_until > clock_timestamp()`,
    [extraction],
  );
  const row = rows[0];
  return row ? { verb: row['verb'] ?? '', holder: row['holder'] ?? '', step: row['step'] ?? null } : null;
}
