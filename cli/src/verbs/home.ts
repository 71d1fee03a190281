import { StranglerError } from '@strangler/errors';
import { readExtraction, recordEvent, setHomes } from '@strangler/ledger';
import { openDatabase } from '@strangler/playbook';
import { target } from '../extraction-word.ts';
import type { Verb } from '../verb.ts';

export const home = {
  name: 'home',
  takes: 'EXTRACTION',
  summary: 'send reads to the monolith at once, whatever the flags say (--off takes it back)',
  options: {
    route: { type: 'string', describe: 'only this route (default: all reads)' },
    off: { type: 'boolean', describe: 'let the flags decide again' },
  },
  run: async (invocation) => {
    const { config, extraction } = await target(invocation);
    const route = invocation.options['route'];
    if (route !== undefined && !extraction.routes.some((each) => each.name === route)) {
      throw new StranglerError(
        'USAGE',
        `There is no route ${String(route)}.`,
        `Routes: ${extraction.routes.map((each) => each.name).join(', ')}.`,
      );
    }
    await using ledger = await openDatabase(config, extraction, 'monolith', 'operator', 'home');
    const row = await readExtraction(ledger.sql, extraction.name);
    if (!row)
      throw new StranglerError(
        'STAGE_WRONG',
        `${extraction.name} has not been synced.`,
        'Its reads are at home already.',
      );
    const name = typeof route === 'string' ? route : '*';
    const others = row.homes.filter((each) => each !== name && name !== '*');
    const homes = invocation.options['off'] ? others : [...others, name];
    await setHomes(ledger.sql, extraction.name, homes);
    await recordEvent(ledger.sql, {
      extraction: extraction.name,
      actor: invocation.actor,
      what: 'home',
      detail: { homes },
    });
    return {
      ok: true,
      result: { homes },
      text: [homes.length === 0 ? 'the flags decide' : `sent home: ${homes.join(', ')}`],
      nextSteps: homes.length === 0 ? [] : [`strangler home ${extraction.name} --off`],
    };
  },
} as const satisfies Verb;
