import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const run = promisify(execFile);
const ours = new URL('./index.ts', import.meta.url).href;
const answer = z.object({
  config: z.record(z.string(), z.unknown()).optional(),
  error: z.string().optional(),
});

/** A team's own repository: no node_modules of ours is above it. */
let repository: string;
beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'strangler-config-test-'));
  const above: string[] = [];
  for (let at = repository; at !== parse(at).root; at = dirname(at))
    above.push(join(at, 'node_modules/@strangler'));
  expect(above.filter((each) => existsSync(each))).toEqual([]);
});
afterAll(async () => await rm(repository, { recursive: true, force: true }));

/** Loads a config in a process of its own, as the command does: the file goes through node's own loader. */
async function load(text: string, env: Record<string, string> = {}, file?: string) {
  if (text !== '') await writeFile(join(repository, 'strangler.config.ts'), text);
  const script = `
    import { loadConfig } from ${JSON.stringify(ours)};
    const said = await loadConfig(${JSON.stringify(file)}).then(
      (config) => ({ config }),
      (error) => ({ error: error.code + ' ' + error.exitCode + ' ' + error.fact + ' ' + error.remedy }),
    );
    console.log(JSON.stringify(said, (_, value) => (typeof value === 'bigint' ? String(value) : value)));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: repository,
    env: { ...process.env, ...env },
    timeout: 20_000,
  });
  return answer.parse(JSON.parse(stdout));
}

const config = (rest: string) => `
  import { defineConfig, env } from '@strangler/config';
  export default defineConfig({
    environment: 'theirs',
    monolith: { url: 'http://127.0.0.1:1', database: env('THEIR_DATABASE', 'postgresql://db/theirs') },
    ${rest}
  });`;

describe("a team's config, outside the toolkit", () => {
  it('loads with its types and the files beside it, though @strangler/config cannot be found from there', async () => {
    await writeFile(
      join(repository, 'tables.ts'),
      `export const tables: Record<string, object> = { '"Old ""T"""': {} };`,
    );
    const text = `import { tables } from './tables.ts';
      ${config(`extractions: { x: { service: { url: 'http://x', database: 'postgresql://db/x' }, tables } },`)}`;
    const { config: loaded, error } = await load(text, { THEIR_DATABASE: 'postgresql://elsewhere/theirs' });
    expect(error).toBeUndefined();
    expect(loaded).toMatchObject({
      path: join(repository, 'strangler.config.ts'),
      environment: 'theirs',
      monolith: { database: 'postgresql://elsewhere/theirs' },
      extractions: [{ name: 'x', tables: [{ monolith: { schema: 'public', name: 'Old "T"' } }] }],
    });
  });

  it('is found by its path from anywhere', async () => {
    await writeFile(join(repository, 'other.ts'), config(''));
    expect((await load('', {}, 'other.ts')).config).toMatchObject({ environment: 'theirs' });
    expect((await load('', {}, join(repository, 'other.ts'))).config).toMatchObject({
      environment: 'theirs',
    });
  });
});

describe("the shop's config", () => {
  it('is right', async () => {
    const { config: loaded, error } = await load(
      '',
      {
        MONOLITH_URL: 'http://127.0.0.1:4000',
        MONOLITH_DATABASE_URL: 'postgresql://127.0.0.1:5433/shop',
        ORDERS_URL: 'http://127.0.0.1:4101',
        ORDERS_DATABASE_URL: 'postgresql://127.0.0.1:5434/orders',
        UNLEASH_URL: 'http://127.0.0.1:4242',
        UNLEASH_TOKEN: 'token',
      },
      fileURLToPath(new URL('../../strangler.config.ts', import.meta.url)),
    );
    expect(error).toBeUndefined();
    expect(loaded).toMatchObject({ extractions: [{ name: 'orders' }], routes: [{ name: 'quote' }] });
  });
});

describe('a config that cannot be loaded', () => {
  it('is not there', async () => {
    const { error } = await load('', {}, 'missing.ts');
    expect(error).toBe(
      `CONFIG_NOT_FOUND 3 There is no config at ${join(repository, 'missing.ts')}. Name it with --config FILE.`,
    );
  });

  it('needs a variable that is not set, or empty', async () => {
    const text = config(`flags: { unleash: 'http://u', token: env('THEIR_TOKEN') },`);
    const missing =
      'ENV_MISSING 3 The config needs THEIR_TOKEN, which is not set. Set THEIR_TOKEN in the environment.';
    expect((await load(text)).error).toBe(missing);
    expect((await load(text, { THEIR_TOKEN: '' })).error).toBe(missing);
    expect((await load(text, { THEIR_TOKEN: 't' })).config).toMatchObject({ flags: { token: 't' } });
  });

  it('is not TypeScript', async () => {
    const { error } = await load('export default {');
    expect(error).toMatch(
      /^CONFIG_INVALID 3 .*strangler\.config\.ts cannot be loaded: .+\. Correct the file\.$/,
    );
  });

  it('imports what is not there', async () => {
    const { error } = await load(`import 'no-such-package';\n${config('')}`);
    expect(error).toMatch(/^CONFIG_INVALID 3 .*cannot be loaded: Cannot find package 'no-such-package'/);
  });

  it('throws', async () => {
    const { error } = await load(`throw new Error('no luck');`);
    expect(error).toMatch(/^CONFIG_INVALID 3 .*cannot be loaded: no luck\. /);
  });

  it('exports nothing by default', async () => {
    const { error } = await load('export const config = {};');
    expect(error).toMatch(/^CONFIG_INVALID 3 .*exports nothing by default\. Write `export default/);
  });

  it('has a mistake in it', async () => {
    const { error } = await load(config('extraction: {},'));
    expect(error).toMatch(
      /^CONFIG_INVALID 3 .*strangler\.config\.ts: \(root\): Unrecognized key: "extraction"\. /,
    );
  });
});
