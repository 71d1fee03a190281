export { dropGrown } from './grown.ts';
export { connectorOf, grownProblems } from './grown-parts.ts';
export { runStream, type StreamOptions } from './run.ts';
export { type ServeOptions, serveStreams } from './serve.ts';
export { budgetShare } from './wal-budget.ts';
