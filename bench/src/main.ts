/** `npm run bench`: what the facade, the copy and the stream cost, against what one would take without them. */
import { runBench } from './bench.ts';
import { machine, runCommand } from './command.ts';
import { parseOptions } from './options.ts';
import { printedProfiles } from './profile.ts';
import { printed, verdictsOf } from './report.ts';

process.exitCode = await runCommand(async (signal) => {
  const options = parseOptions(process.argv.slice(2));
  const show = options.json ? console.error : console.log;
  show(`${machine()}, median (min–max) of ${options.rounds} rounds\n`);
  const reports = await runBench(options, signal, (report) => show(printed(report)));
  if (options.profiles !== undefined) show(await printedProfiles(options.profiles));
  const verdicts = reports.map((report) => ({ ...report, verdicts: verdictsOf(report) }));
  const ok = verdicts.every((part) => part.verdicts.every(({ met }) => met));
  if (options.json)
    console.log(JSON.stringify({ ok, machine: machine(), rounds: options.rounds, parts: verdicts }));
  return ok || !options.check;
});
