/** `npm run bench:kafka`: a full topic into a table, our sink against Debezium's own, and what kafkajs alone reads. */
import { machine, runCommand } from '../command.ts';
import { printedProfiles } from '../profile.ts';
import { printed, verdictsOf } from '../report.ts';
import { runKafkaBench } from './bench.ts';
import { parseKafkaOptions } from './options.ts';

process.exitCode = await runCommand(async (signal) => {
  const options = parseKafkaOptions(process.argv.slice(2));
  const show = options.json ? console.error : console.log;
  show(`${machine()}, median (min–max) of ${options.repeats} repeats\n`);
  const reports = await runKafkaBench(options, signal, {
    onLog: (line) => console.error(line),
    onReport: (report) => show(printed(report)),
  });
  if (options.profiles !== undefined) show(await printedProfiles(options.profiles));
  const histories = reports.map((report) => ({ ...report, verdicts: verdictsOf(report) }));
  const ok = histories.every((each) => each.verdicts.every(({ met }) => met));
  const { rows, repeats } = options;
  if (options.json) console.log(JSON.stringify({ ok, machine: machine(), rows, repeats, histories }));
  return ok || !options.check;
});
