import { StranglerError, waitFor } from '@strangler/errors';
import {
  directionFrom,
  ownerOf,
  readCheckpoint,
  readOwnership,
  recordEvent,
  targetOf,
} from '@strangler/ledger';
import { compareReads } from '@strangler/parity';
import { openDatabases } from '@strangler/playbook';
import { parseLsn } from '@strangler/postgres';
import { target } from '../extraction-word.ts';
import type { Verb } from '../verb.ts';

/** How long a side that is behind gets to catch up with what was asked. */
const patienceMs = 5_000;

export const parity = {
  name: 'parity',
  takes: 'EXTRACTION',
  summary: 'ask both sides the same reads and compare the answers',
  options: {},
  run: async (invocation) => {
    const { config, extraction } = await target(invocation);
    const { actor, signal, progress } = invocation;
    const { requests, clients, ignore } = extraction.parity;
    if (requests.length === 0) {
      throw new StranglerError(
        'CONFIG_INVALID',
        `extractions.${extraction.name}.parity names no requests.`,
        'Add parity: { requests, clients }.',
      );
    }
    await using databases = await openDatabases(config, extraction, 'operator', 'parity');
    const owner = ownerOf(
      await readOwnership(databases.monolith, extraction.name),
      await readOwnership(databases.service, extraction.name),
    );
    if (!owner)
      throw new StranglerError(
        'STAGE_WRONG',
        `${extraction.name} has not been synced.`,
        `Run \`strangler sync ${extraction.name}\`.`,
      );
    const direction = directionFrom[owner.side];
    const urls = { monolith: config.monolith.url, service: extraction.service.url };
    const routes = await compareReads({
      requests,
      clients: clients.length > 0 ? clients : [{}],
      ignore,
      left: urls[owner.side],
      right: urls[targetOf[direction]],
      signal,
      caughtUp: async (abort) => {
        const { rows } = await databases[owner.side].query('SELECT pg_current_wal_insert_lsn() AS position');
        const position = parseLsn(rows[0]?.position ?? '');
        progress('waiting for the copy to catch up');
        return await waitFor(
          async () => {
            const checkpoint = await readCheckpoint(
              databases[targetOf[direction]],
              extraction.name,
              direction,
            );
            return checkpoint && checkpoint.applied >= position ? true : undefined;
          },
          { timeoutMs: patienceMs, everyMs: 20, what: 'catching up', signal: abort },
        ).catch((error: unknown) => {
          if (error instanceof StranglerError && error.code === 'DEADLINE') return false;
          throw error;
        });
      },
    });
    const different = routes.flatMap((route) => route.different);
    const undecided = routes.flatMap((route) => route.indeterminate);
    const ok = different.length === 0 && undecided.length === 0;
    await recordEvent(databases.monolith, {
      extraction: extraction.name,
      actor,
      what: 'parity',
      detail: { ok, different: different.length, indeterminate: undecided.length },
    });
    return {
      ok,
      result: { control: owner.side, routes },
      text: [
        ...routes.map(
          (route) =>
            `${route.route}: ${route.equal} of ${route.requests} alike${route.refused > 0 ? ` (${route.refused} of them refusals)` : ''}`,
        ),
        ...different.map(
          (each) =>
            `  different ${each.request} (client ${each.client}) at ${each.path}: ${each.left} ≠ ${each.right}`,
        ),
        ...undecided.map((each) => `  undecided ${each.request} (client ${each.client}): ${each.reason}`),
      ],
      nextSteps: ok ? [`strangler switch ${extraction.name} --reads 5%`] : [],
    };
  },
} as const satisfies Verb;
