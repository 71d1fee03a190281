export { applyFailure, leaseLost } from './failure.ts';
export type { SourceView } from './marker.ts';
export { readSequences, type SequenceValues } from './sequences.ts';
export { type Lag, Sink, type SinkOptions } from './sink.ts';
