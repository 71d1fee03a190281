import path from 'node:path';
import { type Grown, type GrownPart, keptArtifacts, startGrown } from '@strangler/grown';
import type { Log } from './log.ts';
import type { Ports } from './ports.ts';
import type { Secrets } from './secrets.ts';
import type { Running } from './supervise.ts';

/** How the parts of the grown engine are started: the first time together, later on each by itself. */
export interface KafkaParts {
  kafka(signal: AbortSignal): Promise<Running>;
  connect(signal: AbortSignal): Promise<Running>;
}

/** One broker, and Connect with Debezium, with their data under `grown` in the stack's. */
export function kafkaParts(of: { dataDir: string; ports: Ports; secrets: Secrets; log: Log }): KafkaParts {
  const { ports, secrets, log } = of;
  let both: Promise<Grown> | undefined;
  const launched = new Set<GrownPart>();
  const launch = async (part: GrownPart, signal: AbortSignal): Promise<Running> => {
    both ??= startGrown({
      dataDir: path.join(of.dataDir, 'grown'),
      artifactsDir: keptArtifacts(process.env),
      ports: { brokers: [ports.kafka], controller: ports.kafkaController, connect: ports.connect },
      // Connectors name the variable; Connect puts its value in.
      env: { STRANGLER_SOURCE_PASSWORD: secrets.STRANGLER_SOURCE_PASSWORD },
      onLog: (line) => log('stack', line),
      signal,
    });
    const grown = await both;
    if (launched.has(part)) await restart(grown, part, signal);
    launched.add(part);
    return {
      pid: grown.pid(part) ?? -1,
      exited: grown.exited(part),
      kill: (name) => grown.kill(part, name),
      stop: () => grown.stop(part),
    };
  };
  return { kafka: (signal) => launch('broker1', signal), connect: (signal) => launch('connect', signal) };
}

/** Nothing of a start that failed or was called off goes on. */
async function restart(grown: Grown, part: GrownPart, signal: AbortSignal): Promise<void> {
  const end = () => grown.kill(part, 'SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  try {
    await grown.restart(part);
  } catch (error) {
    end();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
