export { runStream, type StreamOptions } from './run.ts';
export { type ServeOptions, serveStreams } from './serve.ts';
