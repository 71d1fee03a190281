import { type ConnectOptions, connect } from '@strangler/postgres';
import type pg from 'pg';

/** Lends a connection for `work` and ends it afterwards, whatever happens. */
export async function withConnection<T>(
  options: ConnectOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(options);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
