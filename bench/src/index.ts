export { runBench } from './bench.ts';
export { type BenchOptions, fullSizes, type PartName, partNames, type Sizes } from './options.ts';
export { type PartReport, printed, type Verdict, verdictsOf } from './report.ts';
