import { messageOf, StranglerError } from '@strangler/errors';
import kafkajs, { type Admin, type Kafka, type RetryOptions } from 'kafkajs';

/** As many tries outlive the failover of a broker. */
export const patient: RetryOptions = { retries: 30, maxRetryTime: 2_000 };

export function kafkaOf(brokers: readonly string[], retry = patient): Kafka {
  // Node finds no named exports in it.
  return new kafkajs.Kafka({
    clientId: 'strangler',
    brokers: [...brokers],
    retry,
    logLevel: kafkajs.logLevel.NOTHING,
  });
}

/** Lends `work` a connection to the brokers. @throws StranglerError CONNECT_UNREACHABLE, or what `work` throws of its own */
export async function withAdmin<T>(
  kafka: { readonly brokers: readonly string[]; readonly retry?: RetryOptions },
  what: string,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = kafkaOf(kafka.brokers, kafka.retry).admin();
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    throw kafkaUnreachable(kafka.brokers, what, error);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** What kafkajs failed of; an error of ours stays what it is. */
export function kafkaUnreachable(brokers: readonly string[], what: string, error: unknown): StranglerError {
  if (error instanceof StranglerError) return error;
  return new StranglerError(
    'CONNECT_UNREACHABLE',
    `Kafka at ${brokers.join(', ')} does not serve ${what}: ${messageOf(error)}.`,
    'Start it (`npm run kafka:up`), or correct `grown.kafka` in the config.',
    { cause: error },
  );
}
