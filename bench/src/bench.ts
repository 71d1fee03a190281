import { benchCopy } from './copy/part.ts';
import { benchDrain } from './drain/part.ts';
import { benchFacade } from './facade/part.ts';
import type { BenchOptions, PartName } from './options.ts';
import type { PartReport } from './report.ts';
import { type Sides, startSides } from './sides.ts';

type Part = (sides: Sides, options: BenchOptions, signal: AbortSignal) => Promise<PartReport>;

const parts: Readonly<Record<PartName, Part>> = { facade: benchFacade, copy: benchCopy, drain: benchDrain };

/** Runs the parts one after the other on one pair of clusters, and tells each when it is measured. */
export async function runBench(
  options: BenchOptions,
  signal: AbortSignal,
  onReport: (report: PartReport) => void = () => {},
): Promise<PartReport[]> {
  const sides = await startSides(signal);
  try {
    const reports: PartReport[] = [];
    for (const name of options.parts) {
      signal.throwIfAborted();
      const report = await parts[name](sides, options, signal);
      onReport(report);
      reports.push(report);
    }
    return reports;
  } finally {
    await sides.stop();
  }
}
