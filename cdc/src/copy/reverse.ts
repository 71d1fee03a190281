import type { Config, Extraction } from '@strangler/config';
import { StranglerError } from '@strangler/errors';
import {
  createCheckpoint,
  publicationName,
  readCheckpoint,
  readOwnership,
  slotName,
} from '@strangler/ledger';
import type { ConnectOptions, Lsn } from '@strangler/postgres';
import type pg from 'pg';
import { withConnection } from '../connection.ts';
import { exportSlot, removeSlot, requirePublication, slotExists } from './slot.ts';

export interface ReverseOptions {
  readonly config: Config;
  readonly extraction: Extraction;
  readonly signal: AbortSignal;
  readonly onWait?: (blockers: string) => void;
  /** How long the slot may wait for transactions of others; 30 s by default. */
  readonly slotTimeoutMs?: number;
}

export interface ReverseResult {
  readonly slot: string;
  readonly consistentPoint: Lsn;
}

/**
 * Makes the slot of the reverse stream in the service's database and its checkpoint in the monolith's: after the copy,
 * whose rows would look like somebody's writes, and before the first applied change. Safe to run again.
 * @throws StranglerError SLOT_LOST when the checkpoint is there and the slot is not; DEADLINE; CHECK_FAILED.
 */
export async function createReverse(options: ReverseOptions): Promise<ReverseResult> {
  const { config, extraction } = options;
  const name = `reverse ${extraction.name}`;
  const source: ConnectOptions = { url: extraction.service.database, role: 'source', name };
  return await withConnection({ url: config.monolith.database, role: 'admin', name }, async (home) =>
    withConnection(source, async (service) => await makeReverse(options, source, service, home)),
  );
}

async function makeReverse(
  options: ReverseOptions,
  source: ConnectOptions,
  service: pg.Client,
  home: pg.Client,
): Promise<ReverseResult> {
  const { config, extraction, signal } = options;
  const slot = slotName(config.environment, extraction.name, 'reverse');
  const checkpoint = await readCheckpoint(home, extraction.name, 'reverse');
  const there = await slotExists(service, slot);
  if (checkpoint && there) return { slot, consistentPoint: checkpoint.applied };
  if (checkpoint) {
    throw new StranglerError(
      'SLOT_LOST',
      `The slot ${slot} of the reverse stream is gone: what the service has written since is missing in the monolith.`,
      `Run \`strangler cancel ${extraction.name}\`, then \`strangler sync ${extraction.name}\`.`,
    );
  }
  await requirePublication(service, publicationName(config.environment, extraction.name));
  const ownership = await readOwnership(service, extraction.name);
  if (!ownership) {
    throw new StranglerError(
      'LEDGER_MISSING',
      `The service's ledger has no ownership of ${extraction.name}.`,
      'Run `strangler setup`, then `strangler sync` again.',
    );
  }
  // Nobody has read from a slot without a checkpoint: a former run ended between the two.
  if (there) await removeSlot(service, slot);
  const exported = await exportSlot(source, slot, {
    watch: service,
    timeoutMs: options.slotTimeoutMs ?? 30_000,
    onWait: options.onWait ?? (() => {}),
    signal,
  });
  await exported.close();
  await createCheckpoint(home, extraction.name, {
    direction: 'reverse',
    slot,
    applied: exported.consistentPoint,
    sourceEpoch: ownership.epoch,
    sourceState: ownership.state,
  });
  return { slot, consistentPoint: exported.consistentPoint };
}
