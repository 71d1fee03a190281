import { StranglerError } from '@strangler/errors';
import { cancel as cancelExtraction } from '@strangler/playbook';
import { target } from '../extraction-word.ts';
import type { Verb } from '../verb.ts';

export const cancel = {
  name: 'cancel',
  takes: 'EXTRACTION',
  summary: 'undo everything that sync has made, while the monolith owns',
  options: {
    confirm: { type: 'string', describe: "the extraction's name, typed: the service's copy is deleted" },
  },
  run: async (invocation) => {
    const { config, extraction } = await target(invocation);
    if (invocation.options['confirm'] !== extraction.name) {
      throw new StranglerError(
        'USAGE',
        `cancel deletes the service's copy of ${extraction.name}.`,
        `Say --confirm ${extraction.name}.`,
      );
    }
    const result = await cancelExtraction(config, extraction, {
      actor: invocation.actor,
      signal: invocation.signal,
    });
    return {
      ok: true,
      result,
      text: [result.cancelled ? `${extraction.name} is planned again` : 'there was nothing to cancel'],
      nextSteps: result.ledgerRemoved
        ? ['strangler setup', `strangler sync ${extraction.name}`]
        : [`strangler sync ${extraction.name}`],
    };
  },
} as const satisfies Verb;
