import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import {
  connectClient,
  connectorConfig,
  connectorHealth,
  ensureConnector,
  removeConnector,
} from './index.ts';

const signal = new AbortController().signal;
const source = {
  slot: 'strangler_shop_orders_forward',
  publication: 'strangler_orders',
  database: { host: '127.0.0.1', port: 5432, name: 'shop', user: 'strangler_source' },
  topicPrefix: 'strangler_shop_orders_forward_1',
};
const name = source.topicPrefix;

/** Answers in order with what it is given, and keeps what it was asked. */
async function worker(...answers: readonly [status: number, body: unknown][]) {
  const asked: string[] = [];
  const rest = [...answers];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const [status, body] = rest.shift() ?? [500, { message: 'asked too often' }];
    response.writeHead(status).end(status === 204 ? undefined : JSON.stringify(body));
    request.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, asked };
}

const state = (connector: string, ...tasks: string[]): [number, unknown] => [
  200,
  { name, connector: { state: connector }, tasks: tasks.map((each, id) => ({ id, state: each })) },
];
const absent: [number, unknown] = [404, { error_code: 404, message: 'not found' }];

test('trap 86, 75, 79: a connector makes no publication, trusts only its offset, and writes into one partition', () => {
  expect(connectorConfig(source)).toMatchObject({
    'publication.autocreate.mode': 'disabled',
    'offset.mismatch.strategy': 'trust_offset',
    'snapshot.mode': 'no_data',
    'transforms.one.replacement': `${name}.log`,
    'topic.creation.default.partitions': '1',
  });
});

test('no secret lies in the settings: the password is named, not said', () => {
  expect(connectorConfig(source)['database.password']).toBe('$' + '{env:STRANGLER_SOURCE_PASSWORD}');
});

test('truncates are carried, values lose nothing, and Kafka holds only what kafkajs reads', () => {
  expect(connectorConfig(source)).toMatchObject({
    'skipped.operations': 'none',
    'decimal.handling.mode': 'string',
    'time.precision.mode': 'isostring',
    'include.unknown.datatypes': 'true',
    'exactly.once.support': 'required',
    'producer.override.compression.type': 'gzip',
  });
});

test('a connector with the same settings is left alone, another gets new ones', async () => {
  const kept = { ...connectorConfig(source), name };
  const same = await worker([200, kept], state('RUNNING', 'RUNNING'));
  await ensureConnector({ ...source, connect: same.url, name, signal });
  expect(same.asked).toEqual([`GET /connectors/${name}/config`, `GET /connectors/${name}/status`]);

  const other = await worker([200, { ...kept, 'slot.name': 'x' }], [200, { name }], state('STOPPED'), [
    202,
    {},
  ]);
  await ensureConnector({ ...source, connect: other.url, name, signal });
  expect(other.asked.slice(1)).toEqual([
    `PUT /connectors/${name}/config`,
    `GET /connectors/${name}/status`,
    `PUT /connectors/${name}/resume`,
  ]);
});

test('trap 84: a connector is removed with its offsets, after its task has ended', async () => {
  const { url, asked } = await worker(
    state('RUNNING', 'RUNNING'),
    [202, {}],
    state('STOPPED', 'RUNNING'),
    state('STOPPED'),
    [400, { message: 'its tasks have not ended' }],
    [200, {}],
    [204, undefined],
    absent,
  );
  await removeConnector({ connect: url, name, signal });
  expect(asked.filter((each) => !each.startsWith('GET'))).toEqual([
    `PUT /connectors/${name}/stop`,
    `DELETE /connectors/${name}/offsets`,
    `DELETE /connectors/${name}/offsets`,
    `DELETE /connectors/${name}`,
  ]);
});

test('a worker that rebalances is asked again; what it refuses is said in its own words', async () => {
  const { url } = await worker(
    [409, { message: 'rebalancing' }],
    [200, { name }],
    [422, { message: 'tasks.max must be 1' }],
  );
  const client = connectClient(url, signal);
  await client.putConnector(name, {});
  await expect(client.putConnector(name, {})).rejects.toMatchObject({
    code: 'CONNECTOR_FAILED',
    fact: `Connector ${name}: 422 tasks.max must be 1.`,
  });
});

test('health has the trace of a failed task; no connector is ABSENT', async () => {
  const failed = { id: 0, state: 'FAILED', trace: 'ConnectException: no slot' };
  const { url } = await worker([200, { connector: { state: 'RUNNING' }, tasks: [failed] }], absent);
  expect(await connectorHealth({ connect: url, name, signal })).toEqual({
    state: 'RUNNING',
    taskState: 'FAILED',
    trace: 'ConnectException: no slot',
  });
  expect(await connectorHealth({ connect: url, name, signal })).toEqual({
    state: 'ABSENT',
    taskState: 'NONE',
  });
});

test('nothing at the address is CONNECT_UNREACHABLE, exit 5', async () => {
  await expect(connectClient('http://127.0.0.1:1', signal).plugins()).rejects.toMatchObject({
    code: 'CONNECT_UNREACHABLE',
    exitCode: 5,
  });
});
