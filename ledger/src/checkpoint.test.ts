import type { TestDatabase } from '@strangler/cluster/testing';
import { connect, type Lsn, parseLsn } from '@strangler/postgres';
import type pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ledgerDatabase } from '../../test/ledger-database.ts';
import { oneTable } from '../test/one-table.ts';
import {
  advance,
  createCheckpoint,
  type Epoch,
  openViolations,
  type Progress,
  readCheckpoint,
  recordViolation,
  stopStream,
  takeLease,
} from './index.ts';

let database: TestDatabase;
let first: pg.Client;
let second: pg.Client;

const sink = () => connect({ url: database.url(), role: 'apply', name: 'sink' });
const progress = (lease: bigint, applied: Lsn, more: Partial<Progress> = {}): Progress => ({
  extraction: 'x',
  direction: 'forward',
  lease,
  applied,
  commitTime: '2026-03-01 10:00:00.123456+00',
  lagBytes: 512n,
  lagMs: 7,
  sourceEpoch: 3n as Epoch,
  sourceState: 'closing',
  ...more,
});
const at = (text: string) => parseLsn(text);
const read = () => readCheckpoint(first, 'x', 'forward');

beforeAll(async () => {
  database = await ledgerDatabase('service', oneTable);
});
beforeEach(async () => {
  const admin = await connect({ url: database.url(), role: 'admin', name: 'test' });
  await createCheckpoint(admin, 'x', {
    direction: 'forward',
    slot: 'strangler_t_x_forward',
    applied: at('0/1000'),
    sourceEpoch: 1n as Epoch,
    sourceState: 'open',
  });
  await admin.end();
  [first, second] = [await sink(), await sink()];
});
afterEach(async () => {
  await Promise.all([first, second].map((client) => client.end()));
  await database.query('TRUNCATE strangler.checkpoint, strangler.violation');
});

describe('a checkpoint', () => {
  it('begins at the consistent point, held by nobody', async () => {
    expect(await readCheckpoint(first, 'x', 'reverse')).toBeUndefined();
    expect(await read()).toMatchObject({
      direction: 'forward',
      slot: 'strangler_t_x_forward',
      applied: 0x1000n,
      commitTime: null,
      sourceEpoch: 1n,
      sourceState: 'open',
      lease: 0n,
      holder: null,
      stopped: null,
    });
  });

  it('says what its sink has applied, and keeps the commit time when there is no newer one', async () => {
    const lease = await takeLease(first, 'x', 'forward', 'cdc@a');
    expect(await advance(first, progress(lease, at('0/2000')))).toBe(true);
    expect(await advance(first, progress(lease, at('16/B374D848'), { commitTime: null, lagBytes: 0n }))).toBe(
      true,
    );
    const row = await read();
    expect(row).toMatchObject({
      applied: at('16/B374D848'),
      commitTime: '2026-03-01 10:00:00.123456+00',
      lagBytes: 0n,
      lagMs: 7,
      sourceEpoch: 3n,
      sourceState: 'closing',
      lease,
      holder: 'cdc@a',
    });
    expect(row?.ageMs).toBeGreaterThanOrEqual(0);
    expect(row?.ageMs).toBeLessThan(60_000);
  });

  it('never goes back', async () => {
    const lease = await takeLease(first, 'x', 'forward', 'cdc@a');
    await advance(first, progress(lease, at('0/3000')));
    expect(await advance(first, progress(lease, at('0/2FFF')))).toBe(false);
    expect(await advance(first, progress(lease, at('0/3000')))).toBe(true);
    expect((await read())?.applied).toBe(0x3000n);
  });

  it('trap 33: a sink that comes back finds another lease, and moves nothing', async () => {
    const old = await takeLease(first, 'x', 'forward', 'cdc@a');
    // The second sink takes over while the first one sleeps; the first loses its connection and comes back.
    const lease = await takeLease(second, 'x', 'forward', 'cdc@b');
    expect(lease).toBe(old + 1n);
    await first.end().catch(() => undefined);
    first = await sink();
    expect(await advance(first, progress(old, at('0/2000')))).toBe(false);
    await stopStream(first, { extraction: 'x', direction: 'forward', lease: old }, 'too late');
    expect(await advance(second, progress(lease, at('0/2000')))).toBe(true);
    expect(await read()).toMatchObject({ holder: 'cdc@b', applied: 0x2000n, stopped: null });
  });

  it('trap 33: a sink that is frozen inside its transaction does not block the next one', async () => {
    const old = await takeLease(first, 'x', 'forward', 'cdc@a');
    await first.query('BEGIN');
    expect(await advance(first, progress(old, at('0/9000')))).toBe(true);
    const lease = await takeLease(second, 'x', 'forward', 'cdc@b');
    await expect(first.query('COMMIT')).rejects.toThrow();
    first = await sink();
    // What the frozen one had not committed is gone.
    expect(await read()).toMatchObject({ applied: 0x1000n, lease, holder: 'cdc@b' });
  });

  it('the same sink may take its stream again without ending itself', async () => {
    const lease = await takeLease(first, 'x', 'forward', 'cdc@a');
    await stopStream(first, { extraction: 'x', direction: 'forward', lease }, 'ROW_MISSING: …');
    expect((await read())?.stopped).toBe('ROW_MISSING: …');
    expect(await takeLease(first, 'x', 'forward', 'cdc@a')).toBe(lease + 1n);
    expect((await read())?.stopped).toBeNull();
  });

  it('is moved by the role that applies, and by no other', async () => {
    for (const role of ['facade', 'operator', 'source'] as const) {
      const client = await connect({ url: database.url(), role, name: 'test' });
      await expect(advance(client, progress(0n, at('0/2000')))).rejects.toMatchObject({ code: '42501' });
      await client.end();
    }
  });
});

describe('a violation', () => {
  it('is open until somebody has looked at it', async () => {
    const violation = {
      extraction: 'x',
      direction: 'forward',
      position: at('0/2000'),
      relation: 'app.item',
      operation: 'insert',
      key: { id: '7' },
    } as const;
    await recordViolation(first, violation);
    await recordViolation(first, { ...violation, extraction: 'y' });
    expect(await openViolations(first, 'x')).toBe(1);
    const operator = await connect({ url: database.url(), role: 'operator', name: 'test' });
    await operator.query(
      `UPDATE strangler.violation SET resolved_at = clock_timestamp() WHERE extraction = 'x'`,
    );
    await operator.end();
    expect(await openViolations(first, 'x')).toBe(0);
    expect(
      await database.query('SELECT relation, operation, key, position::text FROM strangler.violation'),
    ).toContainEqual({
      relation: 'app.item',
      operation: 'insert',
      key: { id: '7' },
      position: '0/2000',
    });
  });
});
