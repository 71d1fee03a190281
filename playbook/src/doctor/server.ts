import type { Config, Extraction } from '@strangler/config';
import { directionFrom, type Side, slotName } from '@strangler/ledger';
import type { Sql } from '@strangler/postgres';
import { z } from 'zod';
import { type Problem, refuse, warn } from './finding.ts';

const flag = z.enum(['t', 'f']).transform((value) => value === 't');
const settings = z.object({
  version: z.coerce.number(),
  recovery: flag,
  wal_level: z.string(),
  encoding: z.string(),
  slots: z.coerce.number(),
  slots_used: z.coerce.number(),
  own_slot: flag,
  senders: z.coerce.number(),
  senders_used: z.coerce.number(),
  origins: z.coerce.number(),
  origins_used: z.coerce.number(),
  keep_mb: z.coerce.number(),
  standbys: z.string(),
  synchronous_commit: z.string(),
});

const settingsSql = `
  SELECT current_setting('server_version_num') AS version, pg_is_in_recovery() AS recovery,
         current_setting('wal_level') AS wal_level, pg_encoding_to_char(d.encoding) AS encoding,
         current_setting('max_replication_slots') AS slots,
         (SELECT count(*) FROM pg_replication_slots) AS slots_used,
         EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1) AS own_slot,
         current_setting('max_wal_senders') AS senders,
         (SELECT count(*) FROM pg_stat_get_wal_senders()) AS senders_used,
         coalesce(current_setting('max_active_replication_origins', true), current_setting('max_replication_slots')) AS origins,
         (SELECT count(*) FROM pg_replication_origin) AS origins_used,
         (SELECT setting FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep_mb,
         current_setting('synchronous_standby_names') AS standbys,
         coalesce((SELECT split_part(s, '=', 2) FROM pg_db_role_setting r, unnest(r.setconfig) s
                    WHERE r.setdatabase = d.oid AND r.setrole = 0 AND s LIKE 'synchronous_commit=%'),
                  (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit')) AS synchronous_commit
    FROM pg_database d WHERE d.datname = current_database()`;

/** The server's settings and the room that streams need in it. */
export async function serverProblems(
  sql: Sql,
  config: Config,
  extraction: Extraction,
  side: Side,
): Promise<Problem[]> {
  const slot = slotName(config.environment, extraction.name, directionFrom[side]);
  const { rows } = await sql.query(settingsSql, [slot]);
  const found = settings.parse(rows[0]);
  const problems: Problem[] = [];
  if (found.version < 150000) {
    problems.push(
      refuse(
        `The ${side}'s PostgreSQL is ${Math.floor(found.version / 10_000)}; 15 to 18 are supported.`,
        'Upgrade it.',
      ),
    );
  }
  if (found.recovery) {
    problems.push(
      refuse(`The ${side}'s database is a standby.`, 'Give the config the address of the primary.'),
    );
  }
  if (found.wal_level !== 'logical') {
    problems.push(
      refuse(
        `wal_level is ${found.wal_level} at the ${side}.`,
        "ALTER SYSTEM SET wal_level = 'logical', then restart the server.",
      ),
    );
  }
  if (found.encoding !== 'UTF8') {
    problems.push(
      refuse(
        `The ${side}'s database is encoded in ${found.encoding}.`,
        'Only UTF8 databases are supported: dump it and restore it into one.',
      ),
    );
  }
  return [...problems, ...roomProblems(found, extraction, side), ...durabilityProblems(found, side)];
}

function roomProblems(found: z.output<typeof settings>, extraction: Extraction, side: Side): Problem[] {
  const problems: Problem[] = [];
  if (!found.own_slot && found.slots_used >= found.slots) {
    problems.push(
      refuse(
        `All ${found.slots} replication slots of the ${side} are in use.`,
        'Drop one that nobody reads, or raise max_replication_slots and restart the server.',
      ),
    );
  }
  if (!found.own_slot && found.senders_used >= found.senders) {
    problems.push(
      refuse(
        `All ${found.senders} WAL senders of the ${side} are in use.`,
        'Raise max_wal_senders and restart the server.',
      ),
    );
  }
  if (found.origins_used >= found.origins) {
    problems.push(
      warn(
        `The ${side} knows ${found.origins_used} replication origins and can use ${found.origins} at a time.`,
        'Drop origins that nobody uses, or raise max_active_replication_origins (before 18: max_replication_slots).',
      ),
    );
  }
  const keepBytes = BigInt(found.keep_mb) * 1_048_576n;
  if (found.keep_mb >= 0 && keepBytes < extraction.limits.walBytes) {
    problems.push(
      warn(
        `max_slot_wal_keep_size of the ${side} is ${found.keep_mb} MB, less than limits.wal (${extraction.limits.walBytes / 1_000_000n} MB): the server gives a slot up before we would.`,
        'Raise it, or lower limits.wal, so that status can warn in time.',
      ),
    );
  }
  return problems;
}

function durabilityProblems(found: z.output<typeof settings>, side: Side): Problem[] {
  const problems: Problem[] = [];
  if (found.standbys === '') {
    problems.push(
      warn(
        `The ${side} has no synchronous standby: a standby promoted without the decision of a switch forgets it.`,
        'Name one in synchronous_standby_names if you fail over; else after a promotion check both sides before writing.',
      ),
    );
  }
  if (found.synchronous_commit === 'off') {
    problems.push(
      warn(
        `synchronous_commit is off at the ${side}: a crash forgets acknowledged writes, whoever owns.`,
        'Set it to on for the application if that matters; decisions of ours set it themselves.',
      ),
    );
  }
  return problems;
}

const waitingRow = z.object({ who: z.string(), seconds: z.coerce.number() });

/** Transactions that would hold up the making of a slot, or outlive a fence. */
export async function transactionProblems(sql: Sql, side: Side, olderMs = 5_000): Promise<Problem[]> {
  const { rows: open } = await sql.query(
    `SELECT format('process %s%s%s', a.pid, ' of ' || a.usename, ' in database ' || a.datname) AS who,
            extract(epoch FROM clock_timestamp() - a.xact_start)::int AS seconds
       FROM pg_stat_activity a
      WHERE a.backend_xid IS NOT NULL AND a.xact_start < clock_timestamp() - $1 * interval '1 millisecond'
      ORDER BY a.xact_start`,
    [olderMs],
  );
  const { rows: prepared } = await sql.query(
    `SELECT format('%s of %s in database %s', gid, owner, database) AS who,
            extract(epoch FROM clock_timestamp() - prepared)::int AS seconds
       FROM pg_prepared_xacts ORDER BY prepared`,
  );
  return [
    ...open
      .map((row) => waitingRow.parse(row))
      .map(({ who, seconds }) =>
        warn(
          `A transaction at the ${side} has been writing for ${seconds} s: ${who}. A slot cannot be made before it ends.`,
          'End it, or wait for it, before sync and before a switch.',
        ),
      ),
    ...prepared
      .map((row) => waitingRow.parse(row))
      .map(({ who, seconds }) =>
        warn(
          `A prepared transaction at the ${side} is ${seconds} s old: ${who}. It outlives its session, holds up slots, and a switch refuses it.`,
          'COMMIT PREPARED or ROLLBACK PREPARED it.',
        ),
      ),
  ];
}

/** Clocks that differ make lag in milliseconds wrong; time limits are judged by one clock each and don't care. */
export async function clockProblems(monolith: Sql, service: Sql): Promise<Problem[]> {
  const at = async (sql: Sql) => {
    const { rows } = await sql.query(`SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms`);
    return Number(rows[0]?.['ms']) - performance.now();
  };
  const skewMs = Math.round((await at(monolith)) - (await at(service)));
  if (Math.abs(skewMs) < 1_000) return [];
  return [
    warn(
      `The clocks of the two databases differ by ${Math.abs(skewMs)} ms.`,
      'Let both follow one time server: lag in milliseconds is measured across them.',
    ),
  ];
}
