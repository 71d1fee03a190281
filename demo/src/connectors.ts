import { deadline, waitFor } from '@strangler/errors';
import { z } from 'zod';

const shown = z.record(
  z.string(),
  z.object({
    status: z.object({
      connector: z.object({ state: z.string() }),
      tasks: z.array(z.object({ state: z.string() })),
    }),
  }),
);
const comeUpMs = 60_000;

/** Waits until Connect itself says that Debezium runs for both streams. @returns the connectors' names */
export async function bothConnectorsRun(connect: string, signal: AbortSignal): Promise<string[]> {
  return await waitFor(
    async () => {
      const states = await ask(`${connect}/connectors?expand=status`, signal);
      const running = states.filter(([, state]) => state === 'RUNNING RUNNING').map(([name]) => name);
      return running.length === 2 ? running : undefined;
    },
    { timeoutMs: comeUpMs, everyMs: 250, what: 'The start of both connectors', signal },
  );
}

/** Each connector with its state and its task's; none while Connect rebalances. */
async function ask(url: string, signal: AbortSignal): Promise<[string, string][]> {
  const response = await fetch(url, { signal: deadline(10_000, signal) });
  const body: unknown = await response.json();
  if (!response.ok) return [];
  return Object.entries(shown.parse(body)).map(([name, { status }]) => [
    name,
    [status.connector, ...status.tasks].map((each) => each.state).join(' '),
  ]);
}
