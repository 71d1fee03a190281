/** `npm run bench`: what the facade, the copy and the stream cost, against what one would take without them. */
import { cpus, release } from 'node:os';
import { isAbort, messageOf, StranglerError } from '@strangler/errors';
import { runBench } from './bench.ts';
import { parseOptions } from './options.ts';
import { printedProfiles } from './profile.ts';
import { printed, verdictsOf } from './report.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (interrupted.signal.aborted) process.exit(130);
      interrupted.abort();
    });
  }
  try {
    const options = parseOptions(process.argv.slice(2));
    const show = options.json ? console.error : console.log;
    show(`${machine()}, median (min–max) of ${options.rounds} rounds\n`);
    const reports = await runBench(options, interrupted.signal, (report) => show(printed(report)));
    if (options.profiles !== undefined) show(await printedProfiles(options.profiles));
    const verdicts = reports.map((report) => ({ ...report, verdicts: verdictsOf(report) }));
    const ok = verdicts.every((part) => part.verdicts.every(({ met }) => met));
    if (options.json)
      console.log(JSON.stringify({ ok, machine: machine(), rounds: options.rounds, parts: verdicts }));
    return ok || !options.check ? 0 : 1;
  } catch (error) {
    if (interrupted.signal.aborted && (isAbort(error) || error === interrupted.signal.reason)) return 130;
    if (error instanceof StranglerError) console.error(`${error.code}: ${error.fact}\n${error.remedy}`);
    else console.error(`UNEXPECTED: ${messageOf(error)}`);
    return error instanceof StranglerError ? error.exitCode : 1;
  }
}

function machine(): string {
  const all = cpus();
  return `${all.length} × ${all[0]?.model.trim() ?? 'CPU'}, ${process.platform} ${release()}, node ${process.versions.node}`;
}
