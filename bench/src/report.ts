/** One number that a contender was measured by, once per round. */
export interface Measure {
  /** What it is, with its unit. */
  readonly name: string;
  readonly values: readonly number[];
}

export interface Contender {
  readonly name: string;
  readonly measures: readonly Measure[];
}

/** What is asked of a measure of ours relative to the other's. */
export interface Bar {
  /** What is compared, in a few words. */
  readonly what: string;
  readonly measure: string;
  readonly ours: string;
  readonly theirs: string;
  readonly limit: number;
  readonly kind: 'at most' | 'at least';
}

export interface PartReport {
  /** What was measured, in a word. */
  readonly part: string;
  /** What was done, in one line. */
  readonly what: string;
  readonly contenders: readonly Contender[];
  readonly bars: readonly Bar[];
}

/** The middle of the rounds, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Verdict extends Bar {
  /** Ours by theirs, within each round. */
  readonly ratio: Spread;
  /** Whether the median keeps to the limit. */
  readonly met: boolean;
}

/** @throws RangeError for no values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (min === undefined || max === undefined || low === undefined || high === undefined)
    throw new RangeError('nothing was measured');
  return { median: (low + high) / 2, min, max };
}

/** Rounds are compared one by one: what slows the machine down for a while slows down both. */
export function verdictOf(bar: Bar, report: PartReport): Verdict {
  const ours = valuesOf(report, bar.ours, bar.measure);
  const theirs = valuesOf(report, bar.theirs, bar.measure);
  const ratio = spreadOf(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
  const met = bar.kind === 'at most' ? ratio.median <= bar.limit : ratio.median >= bar.limit;
  return { ...bar, ratio, met };
}

export function verdictsOf(report: PartReport): Verdict[] {
  return report.bars.map((bar) => verdictOf(bar, report));
}

function valuesOf(report: PartReport, contender: string, measure: string): readonly number[] {
  const found = report.contenders
    .find(({ name }) => name === contender)
    ?.measures.find(({ name }) => name === measure);
  if (!found) throw new RangeError(`${report.part} has no ${measure} of ${contender}`);
  return found.values;
}

/** A part as a person reads it: median (min–max) of each measure, then the bars. */
export function printed(report: PartReport): string {
  const columns = [...new Set(report.contenders.flatMap(({ measures }) => measures.map(({ name }) => name)))];
  const rows = [
    [report.part, ...columns],
    ...report.contenders.map(({ name, measures }) => [
      name,
      ...columns.map((column) => {
        const measure = measures.find((each) => each.name === column);
        return measure ? spreadText(spreadOf(measure.values)) : '–';
      }),
    ]),
  ];
  const verdicts = verdictsOf(report).map(
    ({ what, measure, kind, limit, ratio, met }) =>
      `${met ? 'within the bar' : 'BELOW THE BAR'}: ${what}, ${measure}: ${spreadText(ratio)} of theirs, wanted ${kind} ${limit}`,
  );
  return [report.what, ...aligned(rows), ...verdicts, ''].join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  '),
  );
}

function spreadText({ median, min, max }: Spread): string {
  return `${figure(median)} (${figure(min)}–${figure(max)})`;
}

/** Three digits that count. */
function figure(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+$)/g, value >= 100 ? ',' : '');
}
