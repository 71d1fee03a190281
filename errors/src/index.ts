export { codes, type ErrorCode, type ExitCode } from './codes.ts';
export { interruption, parseUsage } from './command-line.ts';
export { deadline, pause, waitFor } from './deadline.ts';
export { isAbort, messageOf, StranglerError } from './strangler-error.ts';
