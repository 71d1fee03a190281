import type { OptionSpecs, Verb } from './verb.ts';

/** `strangler help`. */
export function help(verbs: readonly Verb[], frame: OptionSpecs): string {
  const rows = verbs.map((verb) => `  ${`${verb.name} ${verb.takes}`.padEnd(28)} ${verb.summary}`);
  return `strangler VERB [EXTRACTION] [options]: takes a monolith apart while it sells.

${rows.join('\n')}

${optionRows(frame)}

Exit codes: 0 done, 1 it failed, 2 a check says no, 3 bad usage or config, 4 somebody else holds the run, 5 a part is out of reach.
`;
}

/** `strangler VERB --help`. */
export function helpOf(verb: Verb, frame: OptionSpecs): string {
  return `strangler ${verb.name} ${verb.takes} [options]: ${verb.summary}

${optionRows({ ...verb.options, ...frame })}
`;
}

function optionRows(options: OptionSpecs): string {
  return Object.entries(options)
    .map(
      ([name, { type, describe }]) =>
        `  --${`${name}${type === 'string' ? ' VALUE' : ''}`.padEnd(26)} ${describe}`,
    )
    .join('\n');
}
