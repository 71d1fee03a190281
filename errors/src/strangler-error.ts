import { codes, type ErrorCode, type ExitCode } from './codes.ts';

/** An error that a person can meet: a code, the fact, and the remedy, in this order. */
export class StranglerError extends Error {
  readonly code: ErrorCode;
  readonly fact: string;
  readonly remedy: string;

  constructor(code: ErrorCode, fact: string, remedy: string, options?: { cause?: unknown }) {
    super(`${code}: ${fact} ${remedy}`, options);
    this.name = 'StranglerError';
    this.code = code;
    this.fact = fact;
    this.remedy = remedy;
  }

  get exitCode(): ExitCode {
    return codes[this.code].exit;
  }
}

/** The text of whatever was thrown, for a fact. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

/** Whether the error only says that its signal was aborted. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
}
