import type { Config } from '@strangler/config';
import { StranglerError } from '@strangler/errors';
import type { Side } from '@strangler/ledger';
import {
  type Flag,
  flagOf,
  flagsOf,
  type GateName,
  gateNames,
  rehearseSwitch,
  switchWrites,
  UnleashAdmin,
} from '@strangler/playbook';
import { extractionWord, target } from '../extraction-word.ts';
import type { Answer, Invocation, OptionSpecs, Verb } from '../verb.ts';

const actingOptions = {
  'dry-run': { type: 'boolean', describe: 'judge the gates, tell the steps, change nothing' },
  accept: {
    type: 'string',
    describe: 'pass these gates although they say no (comma-separated), with --reason',
  },
  reason: { type: 'string', describe: 'why a gate is accepted; it goes into the record' },
} as const satisfies OptionSpecs;

export const switchVerb = {
  name: 'switch',
  takes: 'EXTRACTION|ROUTE',
  summary: 'move reads by flag (--reads N%) or the writes in one short switch (--writes)',
  options: {
    reads: { type: 'string', describe: 'the share of clients whose reads go to the service, e.g. 5%' },
    writes: { type: 'boolean', describe: 'move the writes: the service owns the tables afterwards' },
    ...actingOptions,
  },
  run: async (invocation) => {
    const { reads, writes } = invocation.options;
    if ((reads === undefined) === (writes !== true)) {
      throw new StranglerError('USAGE', 'Say either --reads N% or --writes.', 'See: strangler switch --help');
    }
    return typeof reads === 'string'
      ? await moveReads(invocation, reads)
      : await moveWrites(invocation, 'service');
  },
} as const satisfies Verb;

export const reverse = {
  name: 'reverse',
  takes: 'EXTRACTION',
  summary: 'take the writes back into the monolith, with everything written since',
  options: actingOptions,
  run: async (invocation) => await moveWrites(invocation, 'monolith'),
} as const satisfies Verb;

async function moveReads(
  { config: load, words, options, progress }: Invocation,
  reads: string,
): Promise<Answer> {
  const match = /^(\d{1,3})%?$/.exec(reads);
  const percent = Number(match?.[1]);
  if (!match || percent > 100)
    throw new StranglerError(
      'USAGE',
      `--reads ${reads} is no share.`,
      'Give whole percent, such as --reads 5%.',
    );
  const config = await load();
  const flags = flagsNamed(config, words);
  if (!options['dry-run']) {
    const unleash = new UnleashAdmin(config);
    for (const flag of flags) {
      progress(`${flag.name} → ${percent} %`);
      await unleash.roll(flag, percent);
    }
  }
  return {
    ok: true,
    result: { percent, flags: flags.map((flag) => flag.name), dryRun: options['dry-run'] === true },
    text: flags.map((flag) => `${options['dry-run'] ? 'would set ' : ''}${flag.name} → ${percent} %`),
    nextSteps: percent === 100 ? [`strangler verify ${words[0] ?? ''}`.trim()] : [],
  };
}

/** The read flags of an extraction, or the flag of a route without tables. */
function flagsNamed(config: Config, words: readonly string[]): Flag[] {
  const route = config.routes.find((each) => each.name === words[0]);
  return route ? [flagOf(route)] : flagsOf(extractionWord(config, words));
}

async function moveWrites(invocation: Invocation, to: Side): Promise<Answer> {
  const { config, extraction } = await target(invocation);
  const { actor, signal, progress, options } = invocation;
  const accept = acceptance(options['accept'], options['reason']);
  const gateLines: string[] = [];
  const onGates = (gates: readonly { name: string; level: string; fact: string }[]) => {
    for (const gate of gates)
      if (gate.level !== 'ok') gateLines.push(`${gate.level} ${gate.name}: ${gate.fact}`);
  };
  if (options['dry-run']) {
    const { told } = await rehearseSwitch(config, extraction, { to, accept, onGates, signal, actor });
    return {
      ok: true,
      result: { dryRun: true, steps: told, gates: gateLines },
      text: [...gateLines, ...told],
      nextSteps: [],
    };
  }
  const result = await switchWrites(config, extraction, {
    to,
    actor,
    accept,
    signal,
    onGates,
    onStep: (step) => progress(`${step.name}: ${step.describe(to, extraction.limits)}`),
    onWarning: (text) => gateLines.push(`warning: ${text}`),
  });
  const owner = to === 'service' ? 'service' : 'monolith';
  return {
    ok: true,
    result: { ...result, gates: gateLines },
    text: [
      ...gateLines,
      result.switched
        ? `the ${owner} owns ${extraction.name} (epoch ${result.epoch}); writes paused ${result.pauseMs} ms, ${result.heldRequests} held`
        : `the ${owner} owned ${extraction.name} already (epoch ${result.epoch})`,
    ],
    nextSteps: [
      `strangler verify ${extraction.name}`,
      ...(to === 'service' ? [`strangler reverse ${extraction.name}`] : []),
    ],
  };
}

function acceptance(accept: string | boolean | undefined, reason: string | boolean | undefined) {
  if (typeof accept !== 'string') return { gates: [], reason: '' };
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new StranglerError('USAGE', '--accept needs a --reason.', 'Say why; it goes into the record.');
  }
  const gates = accept.split(',').map((name): GateName => {
    const found = gateNames.find((gate) => gate === name.trim());
    if (!found)
      throw new StranglerError('USAGE', `There is no gate ${name}.`, `Gates: ${gateNames.join(', ')}.`);
    return found;
  });
  return { gates, reason };
}
