import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { brokerSettings, connectSettings } from '../grown/src/settings.ts';

/** docker-compose.yml, as far as it can be judged without an engine. */
const root = path.join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const inRoot = (file: string) => existsSync(path.join(root, file));

const condition = z.enum(['service_healthy', 'service_completed_successfully']);
const service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  restart: z.literal('unless-stopped').optional(),
  environment: z.record(z.string(), z.string()).optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition })).optional(),
  healthcheck: z
    .union([
      z.strictObject({ disable: z.literal(true) }),
      z.strictObject({
        test: z.array(z.string()).min(2),
        interval: z.string(),
        timeout: z.string(),
        retries: z.number(),
      }),
    ])
    .optional(),
  volumes: z.array(z.string()).optional(),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)).optional(),
  profiles: z.array(z.enum(['command', 'observe', 'mesh'])).optional(),
});
const compose = z
  .object({
    name: z.string(),
    services: z.record(z.string(), service),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(parse(read('docker-compose.yml'), { merge: true }));
const services = Object.entries(compose.services);
const dockerfiles = [
  ...new Set(
    services.flatMap(([, { build }]) => (build ? [path.join(build.context, build.dockerfile)] : [])),
  ),
];

test('has the whole stack, two facades and two sinks among it', () => {
  expect(Object.keys(compose.services)).toEqual(
    expect.arrayContaining(
      'monolith-db orders-db unleash-db unleash kafka connect monolith orders facade-1 facade-2 cdc-1 cdc-2'.split(
        ' ',
      ),
    ),
  );
  for (const name of ['monolith-db', 'orders-db'])
    expect(compose.services[name]?.command).toContain('wal_level=logical');
});

test('each image has an exact tag', () => {
  const images = [
    ...services.map(([, { image }]) => image),
    ...dockerfiles.flatMap((file) => [...read(file).matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)),
  ];
  for (const image of images) expect(image).toMatch(/^[\w./-]+:\d+\.\d+[\w.-]*$/);
});

test('no two services want one port, and each volume of the data is named', () => {
  const ports = services.flatMap(([, each]) => each.ports?.map((port) => port.split(':')[1]) ?? []);
  expect(new Set(ports).size).toBe(ports.length);
  for (const volume of services.flatMap(([, each]) => each.volumes ?? [])) {
    const from = volume.split(':')[0] ?? '';
    expect(from.startsWith('./') ? inRoot(from) : from in compose.volumes, volume).toBe(true);
  }
});

test('what a service waits for exists and can come true; what runs says whether it is well', () => {
  for (const [name, each] of services) {
    if (each.restart) expect(each.healthcheck, name).toBeDefined();
    for (const [needed, { condition: wanted }] of Object.entries(each.depends_on ?? {})) {
      const found = compose.services[needed];
      expect(found, `${name} waits for ${needed}`).toBeDefined();
      if (wanted === 'service_healthy') expect(found?.healthcheck, needed).toHaveProperty('test');
      else expect(found?.restart, needed).toBeUndefined();
    }
  }
});

test('each variable is in .env.example, which holds no secret', () => {
  const example = read('.env.example').matchAll(/^([A-Z_]+)=(.*)$/gm);
  const given = new Map([...example].map(([, name = '', value = '']) => [name, value]));
  const used = [...read('docker-compose.yml').matchAll(/\$\{([A-Z_]+)/g)].map(([, name = '']) => name);
  expect([...new Set(used)].sort()).toEqual([...given.keys()].sort());
  for (const [name, value] of given) if (name !== 'STRANGLER_ENGINE') expect(value, name).toBe('');
  const secret = /PASSWORD|SECRET|TOKEN|KEY/;
  for (const [name, each] of services)
    for (const [variable, value] of Object.entries(each.environment ?? {}))
      if (secret.test(variable)) expect(value, `${name} ${variable}`).toMatch(/\$\{[A-Z_]+:\?\}/);
});

describe('the images', () => {
  test.each(dockerfiles)('%s: what it copies exists, and it does not run as root', (file) => {
    const context = compose.services[serviceOf(file)]?.build?.context ?? '.';
    const text = read(file);
    for (const [, sources = ''] of text.matchAll(/^COPY (?!--from)(?:--\S+ )?(.+) \S+$/gm))
      for (const source of sources.split(' ')) expect(inRoot(path.join(context, source)), source).toBe(true);
    expect(text.match(/^USER (\S+)/m)?.[1]).toMatch(/^(node|kafka)$/);
  });

  const serviceOf = (file: string) =>
    services.find(([, { build }]) => build && path.join(build.context, build.dockerfile) === file)?.[0] ?? '';

  test('the image of the command has each workspace that the command imports', () => {
    const manifest = z.object({ dependencies: z.record(z.string(), z.string()).optional() });
    const copied = [...read('Dockerfile').matchAll(/^COPY (\w+) \1$/gm)].map(([, name = '']) => name);
    const ours = copied.flatMap((name) =>
      Object.keys(manifest.parse(JSON.parse(read(`${name}/package.json`))).dependencies ?? {})
        .filter((each) => each.startsWith('@strangler/'))
        .map((each) => each.slice('@strangler/'.length)),
    );
    expect(copied).toEqual(expect.arrayContaining(ours));
  });
});

describe('each command starts here', () => {
  const run = (command: readonly string[]) =>
    spawnSync(process.execPath, command, { cwd: root, env: {}, encoding: 'utf8', timeout: 25_000 });
  const entry = /ENTRYPOINT \["node", "(.+)"\]/.exec(read('Dockerfile'))?.[1] ?? '';

  test.each(['facade', 'cdc'])('strangler serve %s', (part) => {
    const { status, stdout } = run([entry, 'serve', part, '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('serve');
  });

  const scripts = services.flatMap(([, { command }]) => (command?.[0] === 'node' ? [command.slice(1)] : []));
  test.each(scripts)('node %s tells which variable it lacks', (...script) => {
    const { status, stdout, stderr } = run(script);
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain('DATABASE_URL');
  });
});

test('the containers of Kafka and Connect have the settings that the tests of the grown engine run with', () => {
  const ports = { brokers: [9092], controller: 9093, connect: 8083 };
  const settings = (file: string) =>
    Object.fromEntries(
      read(`cdc/debezium/conf/${file}`)
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  const named = (all: Record<string, string>, host: string) =>
    Object.fromEntries(Object.entries(all).map(([key, value]) => [key, value.replaceAll('127.0.0.1', host)]));
  expect(settings('broker.properties')).toEqual(
    named(brokerSettings(1, ports, '/var/lib/kafka/data'), 'kafka'),
  );
  expect(settings('connect.properties')).toEqual({
    ...connectSettings(ports),
    'bootstrap.servers': 'kafka:9092',
    listeners: 'http://0.0.0.0:8083',
    'rest.advertised.host.name': 'connect',
  });
});
