import { recordLine, tailChanges } from '@strangler/cdc';
import { StranglerError } from '@strangler/errors';
import { target } from '../extraction-word.ts';
import type { Verb } from '../verb.ts';

export const tail = {
  name: 'tail',
  takes: 'EXTRACTION',
  summary: "print changes as Debezium's JSON, one record a line; nothing of the extraction is touched",
  options: {
    reverse: { type: 'boolean', describe: "the service's changes instead of the monolith's" },
    from: { type: 'string', describe: 'now (default), or start: what the own slot still keeps' },
    limit: { type: 'string', describe: 'end after so many records' },
    tombstones: { type: 'boolean', describe: 'a tombstone after each delete' },
  },
  run: async (invocation) => {
    const { config, extraction } = await target(invocation);
    const { options, signal, progress } = invocation;
    const from = options['from'] ?? 'now';
    if (from !== 'now' && from !== 'start')
      throw new StranglerError('USAGE', `--from is ${String(from)}.`, 'Give start or now.');
    const limit = limitOf(options['limit']);
    let records = 0;
    await tailChanges({
      config,
      extraction,
      direction: options['reverse'] === true ? 'reverse' : 'forward',
      from,
      ...(limit === undefined ? {} : { limit }),
      tombstones: options['tombstones'] === true,
      onReady: () => progress('following'),
      onRecord: (record) => {
        records += 1;
        process.stdout.write(`${recordLine(record)}\n`);
      },
      signal,
    });
    return { ok: true, result: { records }, text: [], nextSteps: [] };
  },
} as const satisfies Verb;

function limitOf(text: string | boolean | undefined): number | undefined {
  if (text === undefined) return undefined;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new StranglerError('USAGE', `--limit is ${String(text)}.`, 'Give a whole number from 1.');
}
