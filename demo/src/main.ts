/** `npm run demo`: takes the shop's orders out of the monolith under traffic, and back, and out again. */
import { interruption, isAbort, messageOf, StranglerError } from '@strangler/errors';
import { type DemoReport, runDemo } from './demo.ts';
import { parseOptions } from './options.ts';
import { paint } from './paint.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const interrupted = interruption();
  try {
    const options = parseOptions(process.argv.slice(2));
    const report = await runDemo(options, process.stderr, interrupted);
    printReport(report);
    if (options.json) process.stdout.write(`${JSON.stringify(report.result)}\n`);
    return report.result.ok ? 0 : 1;
  } catch (error) {
    if (interrupted.aborted && isAbort(error)) return 130;
    if (error instanceof StranglerError)
      console.error(`${paint('red', error.code)}: ${error.fact}\n${error.remedy}`);
    else console.error(`${paint('red', 'UNEXPECTED')}: ${messageOf(error)}`);
    return error instanceof StranglerError ? error.exitCode : 1;
  }
}

function printReport({ result, problems, details, kept }: DemoReport): void {
  const lines = [
    '',
    `  ${result.requests} requests: ${result.failedRequests} failed, ${result.refusedRequests} refused as they should be`,
    `  ${result.acknowledgedWrites} writes acknowledged: ${result.lostWrites} lost, ${result.duplicatedWrites} duplicated, ${result.unknownWrites} of unknown fate`,
    `  ${result.staleReads} stale reads`,
    ...result.switches.map(
      (one) =>
        `  ${one.direction} switch: writes paused for ${Math.round(one.pauseMs)} ms, ${one.heldRequests} held, ${one.ordersPerSecond} orders/s around it`,
    ),
    ...result.verify.map(
      (table) => `  ${table.table}: ${table.rows} rows on both sides, ${table.differences} different`,
    ),
    '',
  ];
  console.error(lines.join('\n'));
  if (result.ok)
    console.error(
      paint('green', '  Nothing was lost, doubled or stale. The orders moved out, back, and out again.\n'),
    );
  for (const problem of problems) console.error(paint('red', `  ✗ ${problem}`));
  for (const detail of details) console.error(paint('dim', `      ${detail}`));
  if (kept) console.error(`\n  Data and logs are kept in ${kept}`);
}
