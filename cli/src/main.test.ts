import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@strangler/cluster';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { verbs } from './verbs/index.ts';

const shim = fileURLToPath(new URL('../bin/strangler.js', import.meta.url));
const secret = 's3cret-of-everybody';

interface Said {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
/** Runs the real command in a process of its own, in a folder of somebody's. */
function strangler(args: readonly string[], node: readonly string[] = []): Promise<Said> {
  const env = {
    ...process.env,
    // A pipe gets no colour, not even where CI is set, which some libraries take for a terminal.
    CI: 'true',
    FORCE_COLOR: undefined,
    STRANGLER_OPERATOR_PASSWORD: secret,
    STRANGLER_ADMIN_PASSWORD: secret,
    FLAGS_TOKEN: secret,
    UNLEASH_ADMIN_TOKEN: secret,
  };
  return new Promise((resolve) => {
    const options = { cwd: folder, env, timeout: 25_000 };
    execFile(process.execPath, [...node, shim, ...args], options, (error, stdout, stderr) => {
      resolve({
        exit: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
        stdout,
        stderr,
      });
    });
  });
}

const errorFrame = z.strictObject({
  schema: z.literal('strangler/error/1'),
  ok: z.literal(false),
  error: z.strictObject({ code: z.string(), fact: z.string(), remedy: z.string() }),
  next_steps: z.array(z.string()),
});
/** The one JSON object on stdout. */
const frameOf = (said: Said) => errorFrame.parse(JSON.parse(said.stdout));

/** Code and fact, then the remedy: two lines on stderr, nothing on stdout, no stack. */
function expectRefusal(said: Said, exit: number, code: string): void {
  expect(said, said.stderr).toMatchObject({ exit, stdout: '' });
  expect(said.stderr).toMatch(new RegExp(`^${code} \\S.*\\.\\nremedy: \\S.*\\n$`));
  expect(said.stderr).not.toMatch(/^\s+at /m);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strangler-cli-test-'));
  const port = await freePort();
  const config = (extraction: string) => `
    import { defineConfig, env } from '@strangler/config';
    const database = 'postgresql://app:${secret}@127.0.0.1:${port}/';
    export default defineConfig({
      environment: 'theirs',
      monolith: { url: 'http://127.0.0.1:1', database: database + 'shop' },
      flags: { unleash: 'http://127.0.0.1:1', token: env('FLAGS_TOKEN') },
      extractions: { orders: { service: { url: 'http://127.0.0.1:1', database: database + 'orders' }, ${extraction} } },
    });`;
  await writeFile(
    join(folder, 'strangler.config.ts'),
    config(`routes: { get: 'GET /o/:id', create: 'POST /o' }, tables: { '"Or ders"': { to: 'sales.o' } }`),
  );
  await writeFile(join(folder, 'bad.config.ts'), config(`tables: {}, limit: {}`));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

describe('help', () => {
  it.each([['help'], ['--help']])('strangler %s names every verb', async (word) => {
    const { exit, stdout, stderr } = await strangler([word]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    for (const verb of verbs) expect(stdout).toContain(`\n  ${verb.name} ${verb.takes}`);
    expect(stdout).toContain('Exit codes: 0 done');
  });

  it('strangler alone says the same, as bad usage', async () => {
    const { exit, stdout } = await strangler([]);
    expect(exit).toBe(3);
    expect(stdout).toContain('strangler VERB [EXTRACTION]');
  });

  it('strangler VERB --help names its options, and needs no config', async () => {
    const { exit, stdout } = await strangler(['switch', '--help', '--config', 'missing.ts']);
    expect(exit).toBe(0);
    for (const option of [
      'reads VALUE',
      'writes',
      'dry-run',
      'accept VALUE',
      'reason VALUE',
      'json',
      'stack',
    ]) {
      expect(stdout).toMatch(new RegExp(`^ {2}--${option} `, 'm'));
    }
  });
});

describe('bad usage ends with 3', () => {
  it.each([
    ['an unknown verb', ['swich', 'orders'], 'There is no verb swich.'],
    ['an option before the verb', ['--json=no', 'status'], 'The verb comes first, before --json=no.'],
    ['an unknown option', ['status', '--verbose'], "Unknown option '--verbose'."],
    ['an unknown extraction', ['status', 'order'], 'There is no extraction order.'],
    ['neither reads nor writes', ['switch', 'orders'], 'Say either --reads N% or --writes.'],
    ['a share that is none', ['switch', 'orders', '--reads', '101%'], '--reads 101% is no share.'],
    [
      'a gate accepted without a reason',
      ['reverse', 'orders', '--accept', 'lag'],
      '--accept needs a --reason.',
    ],
    ['a cancel without the name typed', ['cancel', 'orders'], "cancel deletes the service's copy of orders."],
    ['a part that is none', ['serve', 'everything'], 'serve takes facade or cdc, not everything.'],
  ])('%s', async (_, args, fact) => {
    const said = await strangler(args);
    expectRefusal(said, 3, 'USAGE');
    expect(said.stderr).toContain(`USAGE ${fact}`);
  });
});

describe('a config', () => {
  it('that is not there ends with 3, with its path', async () => {
    const said = await strangler(['status', '--config', 'missing.ts']);
    expectRefusal(said, 3, 'CONFIG_NOT_FOUND');
    expect(said.stderr).toContain(join(folder, 'missing.ts'));
  });

  it('with a mistake ends with 3, with the path of the key', async () => {
    const said = await strangler(['status', '--config', 'bad.config.ts']);
    expectRefusal(said, 3, 'CONFIG_INVALID');
    expect(said.stderr).toContain('bad.config.ts: extractions.orders: Unrecognized key: "limit".');
    expect(said.stderr).not.toContain(secret);
  });

  it('is read outside the toolkit, and told without secrets', async () => {
    const said = await strangler(['plan', 'orders']);
    expect(said.exit, said.stderr).toBe(0);
    expect(said.stdout).toContain('GET /o/:id  read, flag strangler.orders.get');
    expect(said.stdout).toContain('"public"."Or ders" → "sales"."o"');
    const json = await strangler(['plan', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      schema: 'strangler/plan/1',
      ok: true,
      result: { tables: [{ monolith: '"public"."Or ders"', service: '"sales"."o"' }] },
      next_steps: ['strangler doctor orders'],
    });
    const sql = await strangler(['setup', '--sql']);
    expect(sql.exit).toBe(0);
    expect(sql.stdout).toContain(`'"public"."Or ders"'`);
    for (const each of [said, json, sql]) expect(each.stdout + each.stderr).not.toContain(secret);
  });
});

describe('a part out of reach', () => {
  it.each([
    'status',
    'sync orders',
    'setup --no-flags',
    'switch orders --writes',
    'cancel orders --confirm orders',
  ])('ends strangler %s with 5', async (line) => {
    const said = await strangler(line.split(' '));
    expect(said, said.stderr).toMatchObject({ exit: 5, stdout: '' });
    // Lines of progress may come first, where it is no terminal.
    expect(said.stderr).toMatch(
      /^DATABASE_UNREACHABLE Cannot connect as strangler_\w+ at 127\.0\.0\.1:\d+\/\w+: .*\n/m,
    );
    expect(said.stderr).not.toContain(secret);
    expect(said.stderr).not.toMatch(/^\s+at /m);
  });

  it('ends with 5 when it is the flag server, too', async () => {
    const said = await strangler(['switch', 'orders', '--reads', '5%', '--json']);
    expect(said).toMatchObject({ exit: 5, stderr: '' });
    expect(frameOf(said).error.code).toBe('FLAGS_UNREACHABLE');
    expect(said.stdout).not.toContain(secret);
  });

  it('is not missed by a dry run that does not need it', async () => {
    const said = await strangler(['switch', 'orders', '--reads', '5%', '--dry-run']);
    expect(said).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('would set strangler.orders.get → 5 %'),
    });
  });
});

describe('the frame of an error', () => {
  it('is one JSON object on stdout, and nothing else, with --json', async () => {
    const said = await strangler(['status', 'order', '--json']);
    expect(said).toMatchObject({ exit: 3, stderr: '' });
    expect(said.stdout.endsWith('\n')).toBe(true);
    expect(frameOf(said).error).toEqual({
      code: 'USAGE',
      fact: 'There is no extraction order.',
      remedy: 'The config has: orders.',
    });
    const unreachable = await strangler(['sync', '--json']);
    expect(unreachable).toMatchObject({ exit: 5, stderr: '' });
    expect(frameOf(unreachable).error.code).toBe('DATABASE_UNREACHABLE');
    expect(frameOf(await strangler(['nonsense', '--json'])).error.code).toBe('USAGE');
  });

  it('shows a stack only with --stack', async () => {
    const said = await strangler(['status', '--stack']);
    expect(said.exit).toBe(5);
    expect(said.stderr).toMatch(/^DATABASE_UNREACHABLE .*\nremedy: .*\n.*ECONNREFUSED/m);
    expect(said.stderr).toMatch(/^ {4}at .*connection\.ts:\d+/m);
    expect(said.stderr).not.toContain(secret);
  });
});

describe('an old node', () => {
  const fake = (version: string) => [
    '--import',
    `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`,
  ];

  it.each(['18.20.4', '20.19.5', '22.17.1'])(
    '%s is told what to do instead of a syntax error',
    async (version) => {
      const said = await strangler(['help'], fake(version));
      expect(said).toMatchObject({ exit: 3, stdout: '' });
      expect(said.stderr).toMatch(
        /^NODE_TOO_OLD: strangler needs Node 22\.18 or newer, and this is \d+\.\d+\.\d+\. Run it/,
      );
      expect(said.stderr).toContain(version);
    },
  );

  it.each(['22.18.0', '24.0.0'])('%s is not too old', async (version) => {
    expect((await strangler(['help'], fake(version))).exit).toBe(0);
  });
});
