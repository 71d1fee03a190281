import { parseLsn } from '@strangler/postgres';
import { z } from 'zod';

const notice = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('applied'),
    extraction: z.string(),
    direction: z.enum(['forward', 'reverse']),
    applied: z.string().transform(parseLsn),
    lagMs: z.number(),
  }),
  z.object({ kind: z.literal('ownership'), extraction: z.string() }),
  z.object({ kind: z.literal('ledger'), extraction: z.string() }),
]);

/** What arrives on the channel `strangler`: a stream has moved, ownership has, or anything else in the ledger has. */
export type Notice = z.output<typeof notice>;

/** Reads a payload; undefined if it isn't ours (any role may notify): polling is the floor. */
export function parseNotice(payload: string | undefined): Notice | undefined {
  try {
    return notice.parse(JSON.parse(payload ?? ''));
  } catch {
    return undefined;
  }
}
