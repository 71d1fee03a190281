import type { Logger } from './logging.ts';

export interface Service {
  port: number;
  stop(): Promise<void>;
}

/**
 * Runs a service as this process: prints `{"listening":port}` on stdout once it serves, and stops it on SIGTERM or
 * SIGINT. Exit code 0 after a clean stop, 1 when it could not start or stop.
 */
export async function runService(start: () => Promise<Service>, logger: Logger): Promise<void> {
  let service: Service;
  try {
    service = await start();
  } catch (error) {
    logger.fatal({ err: error }, 'could not start');
    process.exitCode = 1;
    return;
  }
  const running = service;
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping');
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.fatal({ err: error }, 'could not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ listening: running.port })}\n`);
}
