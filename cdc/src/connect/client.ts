import { deadline, isAbort, messageOf, pause, StranglerError } from '@strangler/errors';
import { z } from 'zod';

const requestMs = 15_000;
/** A worker that rebalances answers 409 for a while; a task that is just ending, 400. */
const patienceMs = 60_000;

const status = z.object({
  connector: z.object({ state: z.string(), trace: z.string().optional() }),
  tasks: z.array(z.object({ id: z.number(), state: z.string(), trace: z.string().optional() })),
});
const config = z.record(z.string(), z.string());
const offsets = z.object({
  offsets: z.array(
    z.object({
      partition: z.record(z.string(), z.unknown()),
      offset: z.record(z.string(), z.unknown()).nullable(),
    }),
  ),
});
const failure = z.object({ message: z.string() });

export type ConnectorStatus = z.infer<typeof status>;
export type ConnectorOffsets = z.infer<typeof offsets>['offsets'];

/** Kafka Connect's REST API, as much of it as we need. All throw StranglerError CONNECT_UNREACHABLE or CONNECTOR_FAILED. */
export interface ConnectClient {
  /** The classes of the connectors that are installed. */
  plugins(): Promise<readonly string[]>;
  putConnector(name: string, settings: Readonly<Record<string, string>>): Promise<void>;
  /** Its settings as Connect keeps them, secrets by name only; undefined if there is no such connector. */
  config(name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** Undefined if there is no such connector. */
  status(name: string): Promise<ConnectorStatus | undefined>;
  /** Starts what failed again, connector and tasks; what runs goes on. */
  restartFailed(name: string): Promise<void>;
  /** Asks it to end its tasks and to stay that way; its offsets can be deleted once it is STOPPED. */
  stop(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  offsets(name: string): Promise<ConnectorOffsets>;
  /** Waits until its tasks have ended, for at most a minute. */
  deleteOffsets(name: string): Promise<void>;
  /** The connector goes; neither its offsets nor its slot do. Nothing happens if it is not there. */
  remove(name: string): Promise<void>;
}

/** @param url of any worker of the Connect cluster */
export function connectClient(url: string, signal: AbortSignal): ConnectClient {
  const call = async (method: string, path: string, body?: unknown) =>
    await request(new URL(path, url.endsWith('/') ? url : `${url}/`), method, body, signal);
  const at = (name: string, rest = '') => `connectors/${encodeURIComponent(name)}${rest}`;
  return {
    async plugins() {
      const list = z.array(z.object({ class: z.string() }));
      return list.parse(await call('GET', 'connector-plugins')).map((each) => each.class);
    },
    async putConnector(name, settings) {
      required(name, await call('PUT', at(name, '/config'), settings));
    },
    async config(name) {
      return config.optional().parse(await call('GET', at(name, '/config')));
    },
    async status(name) {
      return status.optional().parse(await call('GET', at(name, '/status')));
    },
    async restartFailed(name) {
      await call('POST', at(name, '/restart?includeTasks=true&onlyFailed=true'));
    },
    async stop(name) {
      await call('PUT', at(name, '/stop'));
    },
    async resume(name) {
      await call('PUT', at(name, '/resume'));
    },
    async offsets(name) {
      return offsets.parse(required(name, await call('GET', at(name, '/offsets')))).offsets;
    },
    async deleteOffsets(name) {
      await call('DELETE', at(name, '/offsets'));
    },
    async remove(name) {
      await call('DELETE', at(name));
    },
  };
}

function required(name: string, answer: unknown): unknown {
  if (answer !== undefined) return answer;
  throw connectorFailed(name, 'there is no such connector');
}

/** What a person meets when a connector cannot do its work; `why` is Connect's or Debezium's own words. */
export function connectorFailed(name: string, why: string): StranglerError {
  return new StranglerError(
    'CONNECTOR_FAILED',
    `Connector ${name}: ${firstLine(why)}.`,
    'Mend what it names; a failed connector is then started again by itself.',
  );
}

/** Undefined for "there is no such thing", null for an answer without a body. */
async function request(url: URL, method: string, body: unknown, signal: AbortSignal): Promise<unknown> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const response = await send(url, method, body, signal);
    if (response.status === 404) return undefined;
    if (response.status < 300) return response.text === '' ? null : parse(url, response.text);
    const passing = response.status === 409 || (method === 'DELETE' && response.status === 400);
    const why = `${response.status} ${wordsOf(response.text)}`;
    if (response.status >= 500 && performance.now() >= end) throw unreachable(url, why);
    if (response.status < 500 && (!passing || performance.now() >= end)) {
      throw connectorFailed(decodeURIComponent(url.pathname.split('/').slice(2, 3).join('')), why);
    }
    await pause(250, signal);
  }
}

async function send(
  url: URL,
  method: string,
  body: unknown,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, {
      method,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: deadline(requestMs, signal),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(url, isAbort(error) ? `no answer within ${requestMs} ms` : causeOf(error));
  }
}

function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error
    ? error.cause.message || error.message
    : messageOf(error);
}

function parse(url: URL, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreachable(url, 'what answers there is not Kafka Connect');
  }
}

function unreachable(url: URL, why: string): StranglerError {
  return new StranglerError(
    'CONNECT_UNREACHABLE',
    `Kafka Connect does not answer at ${url.origin}: ${firstLine(why)}.`,
    'Check grown.connect in the config (CONNECT_URL) and that Connect runs; npm run kafka:status shows ours.',
  );
}

function wordsOf(text: string): string {
  try {
    return failure.parse(JSON.parse(text)).message;
  } catch {
    return text.slice(0, 300);
  }
}

/** A Java trace says what happened in its first line, and why in its last "Caused by". */
function firstLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const cause = lines.findLast((line) => line.startsWith('Caused by: '));
  const said = [lines[0] ?? '', ...(cause ? [cause] : [])].join(' ');
  return said.slice(0, 500).replace(/\.$/, '');
}
