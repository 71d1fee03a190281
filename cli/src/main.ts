import { hostname, userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { loadConfig } from '@strangler/config';
import { isAbort, messageOf, StranglerError } from '@strangler/errors';
import { help, helpOf } from './help.ts';
import { printAnswer, printError, progressLine } from './print.ts';
import type { Verb } from './verb.ts';
import { verbs } from './verbs/index.ts';

const frameOptions = {
  config: { type: 'string', describe: 'the config file (default: strangler.config.ts here)' },
  json: { type: 'boolean', describe: 'one JSON object on stdout' },
  stack: { type: 'boolean', describe: 'show where an unexpected error came from' },
  help: { type: 'boolean', describe: 'what the verb does and takes' },
} as const;

/** Runs one command line; returns the exit code of design section 9. */
async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json');
  const progress = progressLine(process.stderr, json);
  const stop = new AbortController();
  const onSignal = () =>
    stop.abort(new StranglerError('DEADLINE', 'Interrupted.', 'Run it again: it takes up what it finds.'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const [name, ...rest] = argv;
    if (name === undefined || name === 'help' || name === '--help') {
      process.stdout.write(help(verbs, frameOptions));
      return name === undefined ? 3 : 0;
    }
    const verb = verbs.find((each) => each.name === name);
    if (!verb)
      throw new StranglerError(
        'USAGE',
        name.startsWith('-') ? `The verb comes first, before ${name}.` : `There is no verb ${name}.`,
        `Verbs: ${verbs.map((each) => each.name).join(', ')}.`,
      );
    const { values, positionals } = parse(verb, rest);
    if (values['help']) {
      process.stdout.write(helpOf(verb, frameOptions));
      return 0;
    }
    const file = typeof values['config'] === 'string' ? values['config'] : undefined;
    const answer = await verb.run({
      config: async () => await loadConfig(file),
      words: positionals,
      options: values,
      actor: `${userInfo().username}@${hostname()}`,
      signal: stop.signal,
      progress: progress.show,
    });
    progress.done();
    printAnswer(verb.name, answer, json);
    return answer.ok ? 0 : 2;
  } catch (error) {
    progress.done();
    const known = asStranglerError(error, stop.signal);
    printError(known, { json, stack: argv.includes('--stack') });
    return known.exitCode;
  }
}

function parse(verb: Verb, args: string[]) {
  try {
    return parseArgs({
      args,
      options: { ...frameOptions, ...verb.options },
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    // Node's first sentence is the fact; the others are about its own syntax.
    const [fact] = messageOf(error).split('. ');
    throw new StranglerError('USAGE', `${fact}.`, `See: strangler ${verb.name} --help`);
  }
}

function asStranglerError(error: unknown, signal: AbortSignal): StranglerError {
  if (error instanceof StranglerError) return error;
  if (isAbort(error) && signal.reason instanceof StranglerError) return signal.reason;
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // PostgreSQL's five-character SQLSTATE: the server refused a statement of ours.
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code)
    ? new StranglerError(
        'SQL_REFUSED',
        `PostgreSQL says ${code}: ${messageOf(error)}.`,
        'Run `strangler doctor`; with --stack it shows where.',
        { cause: error },
      )
    : new StranglerError(
        'UNEXPECTED',
        `${messageOf(error)}.`,
        'This is a defect: run it with --stack and report it.',
        { cause: error },
      );
}

process.exitCode = await main(process.argv.slice(2));
