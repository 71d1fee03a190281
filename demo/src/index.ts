export { type DemoReport, runDemo } from './demo.ts';
export { type DemoOptions, parseOptions } from './options.ts';
export type { DemoResult } from './result.ts';
