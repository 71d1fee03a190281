import type { Logger } from 'pino';

/** What the facade says to its operators; never once per request. */
export type Log = Pick<Logger, 'info' | 'warn' | 'error'>;
