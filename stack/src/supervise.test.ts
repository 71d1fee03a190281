import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '@strangler/errors';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchProcess, runCommand } from './process.ts';
import { Supervised } from './supervise.ts';

let home: string;
let script: string;
const lines: string[] = [];
const log = (part: string, line: string) => void lines.push(`${part}: ${line}`);

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'strangler-supervise-'));
  script = path.join(home, 'part.mjs');
  await writeFile(
    script,
    `process.on('SIGTERM', () => { console.log('drained'); process.exit(0); });
     console.log(JSON.stringify({ ready: true, seen: process.env.GIVEN, secret: process.env.SECRET ?? null }));
     setInterval(() => {}, 1000);`,
  );
});

afterAll(() => rm(home, { recursive: true, force: true }));

function part(): Supervised {
  const ready = { line: (line: string) => line.includes('"ready":true') };
  return new Supervised(
    'part',
    (signal) =>
      launchProcess(
        'part',
        { script, env: { GIVEN: 'yes' } },
        { ready, onLine: (line) => log('part', line), signal },
      ),
    log,
  );
}

test('a part that is killed runs again, under another process id', async () => {
  const supervised = part();
  await supervised.start();
  const first = supervised.pid;
  supervised.kill('SIGKILL');
  const second = await waitFor(() => (supervised.pid !== first ? supervised.pid : undefined), {
    timeoutMs: 10_000,
    what: 'The restart',
  });
  await supervised.ready();
  expect([supervised.restarts, typeof second]).toEqual([1, 'number']);
  await supervised.stop();
  expect(lines).toContain('part: drained');
});

test('a stopped part stays down, also when it was frozen', async () => {
  const supervised = part();
  await supervised.start();
  const { pid } = supervised;
  supervised.kill('SIGSTOP');
  await supervised.stop();
  expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
  expect(supervised.restarts).toBe(0);
});

test('a part sees the variables it was given and none of our secrets', async () => {
  process.env['SECRET'] = 'ours';
  const supervised = part();
  await supervised.start();
  await supervised.stop();
  delete process.env['SECRET'];
  expect(lines).toContain(`part: ${JSON.stringify({ ready: true, seen: 'yes', secret: null })}`);
});

test('a part that ends before it is ready is an error with its last words', async () => {
  const broken = path.join(home, 'broken.mjs');
  await writeFile(broken, `console.error('no database'); process.exit(3);`);
  const options = { ready: { line: () => false }, onLine: () => {}, signal: new AbortController().signal };
  await expect(launchProcess('broken', { script: broken, env: {} }, options)).rejects.toMatchObject({
    code: 'COMPONENT_FAILED',
    fact: 'broken ended before it was ready: no database',
  });
});

test('a command over its time limit is ended', async () => {
  const done = await runCommand({ script, env: {} }, { timeoutMs: 1_000 });
  expect(done.stdout).toContain('"ready":true');
});

test('kill -9 of the parent ends the part', async () => {
  const parent = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { launchProcess } = await import(${JSON.stringify(path.join(import.meta.dirname, 'process.ts'))});
       const ready = { line: (line) => line.includes('ready') };
       const signal = new AbortController().signal;
       const part = await launchProcess('part', { script: ${JSON.stringify(script)}, env: {} }, { ready, onLine() {}, signal });
       console.log(part.pid);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  parent.kill('SIGKILL');
  const gone = () => {
    try {
      process.kill(Number(line), 0);
      return undefined;
    } catch {
      return true;
    }
  };
  expect(await waitFor(gone, { timeoutMs: 3_000, what: 'The end of the part' })).toBe(true);
});
