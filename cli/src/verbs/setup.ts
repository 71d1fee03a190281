import { StranglerError } from '@strangler/errors';
import type { Side } from '@strangler/ledger';
import { flagOf, flagsOf, setupLedger, setupStatements, UnleashAdmin } from '@strangler/playbook';
import type { Verb } from '../verb.ts';

export const setup = {
  name: 'setup',
  takes: '',
  summary: 'the roles and grants as SQL for the DBA (--sql), or the ledger and the flags',
  options: {
    sql: { type: 'boolean', describe: 'print the SQL that a DBA runs once, and change nothing' },
    side: {
      type: 'string',
      describe: 'with --sql: monolith or service (default: both, one after the other)',
    },
    extraction: { type: 'string', describe: "with --sql: only this extraction's tables" },
    'no-flags': { type: 'boolean', describe: 'leave the flag server alone' },
  },
  run: async ({ config: load, options, progress }) => {
    const config = await load();
    if (options['sql']) {
      const extraction = typeof options['extraction'] === 'string' ? options['extraction'] : undefined;
      const text = sidesOf(options['side']).map((side) => setupStatements(config, side, extraction));
      return { ok: true, result: { sql: text }, text, nextSteps: [] };
    }
    progress('making the ledger');
    const { databases } = await setupLedger(config);
    const flags = [...config.extractions.flatMap(flagsOf), ...config.routes.map(flagOf)];
    const withFlags = config.flags !== undefined && !options['no-flags'];
    if (withFlags) {
      progress('making the flags');
      const unleash = new UnleashAdmin(config);
      for (const flag of flags) await unleash.ensure(flag);
    }
    return {
      ok: true,
      result: { databases, flags: withFlags ? flags.map((flag) => flag.name) : [] },
      text: [
        `ledger: ${databases.join(', ')}`,
        `flags (off until you switch): ${withFlags ? flags.map((flag) => flag.name).join(', ') : 'left alone'}`,
      ],
      nextSteps: config.extractions.map((each) => `strangler doctor ${each.name}`),
    };
  },
} as const satisfies Verb;

function sidesOf(value: string | boolean | undefined): Side[] {
  if (value === undefined) return ['monolith', 'service'];
  if (value === 'monolith' || value === 'service') return [value];
  throw new StranglerError('USAGE', `There is no side ${value}.`, 'Use --side monolith or --side service.');
}
