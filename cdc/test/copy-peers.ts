import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { application, type Sides } from './sides.ts';

/** The copy in a process of its own. */
export function copyInProcess({ config }: Sides) {
  const script = fileURLToPath(new URL('./copy-process.ts', import.meta.url));
  const json = JSON.stringify(config, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return spawn(process.execPath, [script, json], { stdio: 'ignore' });
}

/** Inserts orders, one per transaction and every tenth rolled back, until told to stop; returns how many committed. */
export async function writeUntil({ monolith }: Sides, signal: AbortSignal): Promise<number> {
  const client = new pg.Client({ connectionString: monolith.url(application) });
  await client.connect();
  try {
    let committed = 0;
    for (let n = 1; !signal.aborted; n += 1) {
      await client.query('BEGIN');
      await client.query(`INSERT INTO shop.orders (user_id, status, total) VALUES (1, 'new', 1)`);
      await client.query(n % 10 === 0 ? 'ROLLBACK' : 'COMMIT');
      if (n % 10 !== 0) committed += 1;
    }
    return committed;
  } finally {
    await client.end();
  }
}

/** A transaction of the application that has written and stays open. */
export async function openWriter({ monolith }: Sides): Promise<{ pid: number } & AsyncDisposable> {
  const client = new pg.Client({ connectionString: monolith.url(application) });
  await client.connect();
  await client.query('BEGIN');
  await client.query('INSERT INTO shop.users VALUES (2)');
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return { pid: rows[0]?.pid ?? 0, [Symbol.asyncDispose]: async () => await client.end() };
}
