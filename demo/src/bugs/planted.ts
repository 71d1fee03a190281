import { StranglerError } from '@strangler/errors';
import type { Stack, StackOptions } from '@strangler/stack';
import pg from 'pg';

/** How a bug gets into the stack. */
interface Planting {
  what: string;
  /** The parts themselves plant it: they find its name in STRANGLER_BUG. */
  byName?: true;
  /** Code that is loaded into the orders service before its own. */
  preload?: string;
  /** Done to the databases after `strangler sync`. */
  afterSync?: (stack: Stack) => Promise<void>;
}

/** The bugs that show that the demo's checks can fail: each has to make it exit 1. */
const plantings = {
  'sink-drops-transaction': { what: 'the sink drops a transaction', byName: true },
  'write-to-wrong-side': { what: 'a write goes to the side that does not own', byName: true },
  'read-before-applied': { what: 'a read is answered before the write was applied', byName: true },
  'echo-applied': { what: 'a row that came from the other side is sent back', byName: true },
  'service-forgets-release': {
    what: 'the service forgets to release the stock of a cancelled order',
    preload: new URL('./forget-release.ts', import.meta.url).pathname,
  },
  'fence-without-lock': { what: 'the fence reads its row without the lock', afterSync: unlockFence },
} as const satisfies Record<string, Planting>;

export type BugName = keyof typeof plantings;
export const bugNames = Object.keys(plantings) as BugName[];

/** @throws StranglerError USAGE */
export function bugNamed(name: string): BugName {
  const found = bugNames.find((each) => each === name);
  if (found) return found;
  throw new StranglerError('USAGE', `There is no bug "${name}".`, `The bugs are ${bugNames.join(', ')}.`);
}

/** What the stack has to know of a bug. */
export function stackOptionsOf(bug: BugName | undefined): Pick<StackOptions, 'bug' | 'preload'> {
  if (bug === undefined) return {};
  const planting: Planting = plantings[bug];
  return {
    ...(planting.byName ? { bug } : {}),
    ...(planting.preload ? { preload: { orders: planting.preload } } : {}),
  };
}

/** Plants what can only be planted in a synced extraction. */
export async function plantAfterSync(bug: BugName | undefined, stack: Stack): Promise<void> {
  if (bug === undefined) return;
  const planting: Planting = plantings[bug];
  await planting.afterSync?.(stack);
}

/** Takes the locks out of the fence on both sides: it only looks at the row. */
async function unlockFence(stack: Stack): Promise<void> {
  for (const variable of ['MONOLITH_DATABASE_URL', 'ORDERS_DATABASE_URL']) {
    const url = new URL(stack.env.operator[variable] ?? '');
    url.username = 'strangler_admin';
    url.password = stack.env.operator['STRANGLER_ADMIN_PASSWORD'] ?? '';
    const client = new pg.Client({ connectionString: url.toString() });
    await client.connect();
    try {
      await client.query('set role strangler_owner');
      const { rows } = await client.query<{ source: string }>(
        `select pg_get_functiondef('strangler.fence()'::regprocedure) as source`,
      );
      const source = rows[0]?.source ?? '';
      const unlocked = source
        .replace(/IF pg_try_advisory_xact_lock_shared\([^;]*?\) THEN/, 'IF true THEN')
        .replace(' FOR SHARE', '');
      if (unlocked === source) throw new Error('the fence has no lock to take away');
      await client.query(unlocked);
    } finally {
      await client.end();
    }
  }
}
