import { waitFor } from '@strangler/errors';
import { type ConnectClient, connectClient } from './client.ts';
import { type ConnectorSource, connectorConfig } from './connector-config.ts';

export interface EnsureOptions extends ConnectorSource {
  /** URL of Kafka Connect. */
  readonly connect: string;
  readonly name: string;
  readonly signal: AbortSignal;
}

/**
 * Makes the connector, or gives it today's settings, and starts it if it was stopped. The caller has seen the slot and
 * its position, and made the topic (`ensureTopic`). It may still be starting when this returns.
 * @throws StranglerError CONNECT_UNREACHABLE, CONNECTOR_FAILED
 */
export async function ensureConnector(options: EnsureOptions): Promise<void> {
  const client = connectClient(options.connect, options.signal);
  const wanted = connectorConfig(options);
  // The same settings again would start its task again.
  if (!same(await client.config(options.name), wanted)) await client.putConnector(options.name, wanted);
  if ((await client.status(options.name))?.connector.state === 'STOPPED') await client.resume(options.name);
}

export interface ConnectorAt {
  readonly connect: string;
  readonly name: string;
  readonly signal: AbortSignal;
}

/** Stops it and waits until its task has ended: it reads the slot no longer. Nothing happens if it is not there. */
export async function stopConnector({ connect, name, signal }: ConnectorAt): Promise<void> {
  await stopped(connectClient(connect, signal), name, signal);
}

async function stopped(client: ConnectClient, name: string, signal: AbortSignal): Promise<boolean> {
  if (!(await client.status(name))) return false;
  await client.stop(name);
  return await waitFor(
    async () => {
      const status = await client.status(name);
      if (!status) return false;
      return status.connector.state === 'STOPPED' && status.tasks.length === 0 ? true : undefined;
    },
    { timeoutMs: 60_000, everyMs: 100, what: `the end of connector ${name}`, signal },
  );
}

/**
 * Removes the connector and its stored offsets, so that nothing inherits them (trap 84). Slot and topic stay. Safe to
 * run again.
 * @throws StranglerError CONNECT_UNREACHABLE, CONNECTOR_FAILED, DEADLINE
 */
export async function removeConnector({ connect, name, signal }: ConnectorAt): Promise<void> {
  const client = connectClient(connect, signal);
  if (!(await stopped(client, name, signal))) return;
  await client.deleteOffsets(name);
  await client.remove(name);
  await waitFor(async () => ((await client.status(name)) ? undefined : true), {
    timeoutMs: 60_000,
    everyMs: 100,
    what: `the removal of connector ${name}`,
    signal,
  });
}

/** What Connect says of a connector. RUNNING is no proof that changes flow: only what arrives is. */
export interface ConnectorHealth {
  /** ABSENT, or Connect's own: RUNNING, FAILED, STOPPED, UNASSIGNED, RESTARTING … */
  readonly state: string;
  /** Of its one task; NONE before it has one and after it was stopped. */
  readonly taskState: string;
  /** Java's words about a failure. */
  readonly trace?: string;
}

/** @throws StranglerError CONNECT_UNREACHABLE */
export async function connectorHealth({ connect, name, signal }: ConnectorAt): Promise<ConnectorHealth> {
  const status = await connectClient(connect, signal).status(name);
  if (!status) return { state: 'ABSENT', taskState: 'NONE' };
  const [task] = status.tasks;
  const trace = task?.trace ?? status.connector.trace;
  return {
    state: status.connector.state,
    taskState: task?.state ?? 'NONE',
    ...(trace === undefined ? {} : { trace }),
  };
}

/** Starts what failed again; the limit of tries is the caller's. */
export async function restartConnector({ connect, name, signal }: ConnectorAt): Promise<void> {
  await connectClient(connect, signal).restartFailed(name);
}

function same(a: Readonly<Record<string, string>> | undefined, b: Readonly<Record<string, string>>): boolean {
  if (!a) return false;
  const { name: _, ...kept } = a;
  const keys = Object.keys(b);
  return keys.length === Object.keys(kept).length && keys.every((key) => kept[key] === b[key]);
}
