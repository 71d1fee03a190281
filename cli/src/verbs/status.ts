import { styleText } from 'node:util';
import { type ExtractionStatus, extractionStatus } from '@strangler/playbook';
import { extractionWord } from '../extraction-word.ts';
import type { Verb } from '../verb.ts';

export const status = {
  name: 'status',
  takes: '[EXTRACTION]',
  summary: 'stage, owner, streams, lag, slots, facades',
  options: {},
  run: async ({ config: load, words }) => {
    const config = await load();
    const wanted = words.length > 0 ? [extractionWord(config, words)] : config.extractions;
    const extractions: ExtractionStatus[] = [];
    for (const extraction of wanted) extractions.push(await extractionStatus(config, extraction));
    return {
      ok: extractions.every(
        (each) =>
          each.stage !== 'lost' &&
          each.violations === 0 &&
          each.streams.every((stream) => stream.stopped === null),
      ),
      result: { extractions },
      text: extractions.flatMap(lines),
      nextSteps: extractions.flatMap(nextSteps),
    };
  },
} as const satisfies Verb;

function lines(each: ExtractionStatus): string[] {
  const homes = each.homes.length > 0 ? `, sent home: ${each.homes.join(' ')}` : '';
  return [
    `${styleText('bold', each.extraction)}  ${each.stage}, the ${each.owner} owns (epochs ${each.epochs.monolith ?? '–'} / ${each.epochs.service ?? '–'})${homes}`,
    ...each.streams.map(
      (stream) =>
        `  ${stream.direction.padEnd(8)} ${stream.up ? 'up  ' : 'down'} applied ${stream.applied}, ${stream.lagMs} ms and ${stream.lagBytes} bytes behind` +
        (stream.connector ? `, through Debezium (${stream.connector.state})` : '') +
        (stream.slot
          ? `, slot retains ${stream.slot.retainedBytes} bytes (${stream.slot.percentOfBudget} % of its budget)`
          : ''),
    ),
    ...each.facades.map(
      (facade) =>
        `  facade   ${facade.up ? 'up  ' : 'gone'} ${facade.id}: ${facade.inFlight} writes under way`,
    ),
    ...(each.run
      ? [`  run      ${each.run.verb} by ${each.run.holder}${each.run.step ? `, at ${each.run.step}` : ''}`]
      : []),
    ...each.warnings.map((warning) => `  ${styleText('yellow', 'warning')}  ${warning}`),
  ];
}

function nextSteps(each: ExtractionStatus): string[] {
  if (each.stage === 'planned') return [`strangler doctor ${each.extraction}`];
  if (each.stage === 'copying') return [`strangler sync ${each.extraction}`];
  if (each.stage === 'lost') return [`strangler cancel ${each.extraction}`];
  return each.stage === 'following' ? [`strangler verify ${each.extraction}`] : [];
}
