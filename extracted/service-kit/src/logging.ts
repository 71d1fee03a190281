import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on stderr, because stdout carries the one line that says where the service listens. */
export function createLogger(name: string, level: string): Logger {
  return pino({ name, level }, pino.destination({ fd: 2, sync: true }));
}
