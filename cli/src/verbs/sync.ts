import { sync as syncExtraction } from '@strangler/playbook';
import { target } from '../extraction-word.ts';
import type { Verb } from '../verb.ts';

export const sync = {
  name: 'sync',
  takes: 'EXTRACTION',
  summary: 'copy the tables into the service, then follow',
  options: {},
  run: async (invocation) => {
    const { config, extraction } = await target(invocation);
    const { actor, signal, progress } = invocation;
    const result = await syncExtraction(config, extraction, {
      actor,
      signal,
      onProgress: ({ phase, text }) => progress(`${phase}: ${text}`),
    });
    return {
      ok: true,
      result,
      text: [
        ...result.tables.map(({ table, rows }) => `copied ${rows} rows of ${table}`),
        `${extraction.name} is ${result.stage}${result.followed ? '' : '; no sink follows yet'}`,
      ],
      nextSteps: result.followed
        ? [`strangler verify ${extraction.name}`]
        : ['strangler serve cdc', `strangler verify ${extraction.name}`],
    };
  },
} as const satisfies Verb;
