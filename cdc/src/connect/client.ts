import { deadline, messageOf, pause, StranglerError, waitFor } from '@strangler/errors';
import { type Lsn, laterLsn, lsn } from '@strangler/postgres';
import { z } from 'zod';

/** A connector as Connect shows it. */
export interface ConnectorState {
  readonly state: string;
  readonly task: string | undefined;
  readonly trace: string | undefined;
}

const status = z.object({
  connector: z.object({ state: z.string() }),
  tasks: z.array(z.object({ state: z.string(), trace: z.string().optional() })),
});
const position = z.number().nullish();
const offsets = z.object({
  offsets: z.array(
    z.object({ offset: z.object({ lsn: position, lsn_proc: position, lsn_commit: position }).nullable() }),
  ),
});
const plugins = z.array(z.object({ class: z.string(), version: z.string() }));
const answerMs = 20_000;
const stopMs = 60_000;

/** Kafka Connect's REST interface. Every call has a deadline. @throws StranglerError CONNECT_UNREACHABLE */
export class ConnectClient {
  readonly #url: string;
  readonly #signal: AbortSignal;

  constructor(url: string, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
  }

  /** The plugins that Connect can run, with their versions. */
  async plugins(): Promise<readonly { readonly class: string; readonly version: string }[]> {
    return plugins.parse(await this.#call('GET', 'connector-plugins'));
  }

  async put(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    await this.#call('PUT', `connectors/${name}/config`, config);
  }

  /** Undefined when there is no such connector. */
  async status(name: string): Promise<ConnectorState | undefined> {
    const body = await this.#call('GET', `connectors/${name}/status`);
    if (body === undefined) return undefined;
    const { connector, tasks } = status.parse(body);
    return { state: connector.state, task: tasks[0]?.state, trace: tasks[0]?.trace };
  }

  /** How far in its database's log a connector's records go; undefined before the first one, or without a connector. */
  async position(name: string): Promise<Lsn | undefined> {
    const body = await this.#call('GET', `connectors/${name}/offsets`);
    if (body === undefined) return undefined;
    const [first, ...rest] = offsets
      .parse(body)
      .offsets.flatMap(({ offset }) => [offset?.lsn, offset?.lsn_proc, offset?.lsn_commit])
      .flatMap((each) => (typeof each === 'number' ? [lsn(BigInt(each))] : []));
    return first === undefined ? undefined : rest.reduce(laterLsn, first);
  }

  async restartFailed(name: string): Promise<void> {
    await this.#call('POST', `connectors/${name}/restart?includeTasks=true&onlyFailed=true`);
  }

  async resume(name: string): Promise<void> {
    await this.#call('PUT', `connectors/${name}/resume`);
  }

  /** Stops the connector and waits until its task has gone. */
  async stop(name: string): Promise<void> {
    await this.#call('PUT', `connectors/${name}/stop`);
    await waitFor(
      async () => {
        const found = await this.status(name);
        return !found || (found.state === 'STOPPED' && found.task === undefined) ? true : undefined;
      },
      {
        timeoutMs: stopMs,
        everyMs: 200,
        signal: this.#signal,
        what: `the stop of ${name}`,
        late: () => this.#failure(`${name} has not stopped within ${stopMs / 1_000} s`),
      },
    );
  }

  /** Takes a connector away with its offsets; the slot is not Connect's and stays. */
  async remove(name: string): Promise<void> {
    if ((await this.status(name)) === undefined) return;
    await this.stop(name);
    await this.#call('DELETE', `connectors/${name}/offsets`);
    await this.#call('DELETE', `connectors/${name}`);
  }

  /** The answer, or undefined when there is no such connector. Connect says 409 while it rebalances, and 500 while it comes up. */
  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const signal = deadline(answerMs, this.#signal);
    for (;;) {
      const response = await this.#fetch(method, path, body, signal);
      const text = await response.text();
      if (response.status === 404) return undefined;
      if (response.ok) return text === '' ? null : JSON.parse(text);
      if (response.status !== 409 && response.status !== 500 && response.status !== 503)
        throw this.#failure(`${method} ${path} was answered with ${response.status}: ${text.slice(0, 300)}`);
      await pause(300, signal).catch(() => {
        throw this.#failure(
          `${method} ${path} is still answered with ${response.status}: ${text.slice(0, 300)}`,
        );
      });
    }
  }

  async #fetch(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const init = { method, headers: { 'content-type': 'application/json' }, signal };
    try {
      return await fetch(
        `${this.#url}/${path}`,
        body === undefined ? init : { ...init, body: JSON.stringify(body) },
      );
    } catch (error) {
      throw this.#failure(messageOf(error));
    }
  }

  #failure(why: string): StranglerError {
    return new StranglerError(
      'CONNECT_UNREACHABLE',
      `Kafka Connect at ${this.#url} does not do what it was asked: ${why}`,
      'Start it (`npm run kafka:up`), or correct `grown.connect` in the config.',
    );
  }
}
