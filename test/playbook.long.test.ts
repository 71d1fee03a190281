import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, type Stack, startStack } from '@strangler/stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('..', import.meta.url));
const dataDir = await mkdtemp(join(tmpdir(), 'strangler-playbook-'));
const playbook = await readFile(join(repository, 'playbook.md'), 'utf8');

/** The lines of every `sh` block, in order, with the data folder of this test's stack for the default one. */
const commands = [...playbook.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
  .flatMap(([, block]) => (block ?? '').split('\n'))
  .filter((line) => line.trim() !== '')
  .map((line) => line.replaceAll('.strangler/', `${dataDir}/`));

/** Runs one line in the shell that the lines before it have prepared. */
async function inShell(lines: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn('/bin/sh', ['-c', lines.join(' && ')], {
    cwd: repository,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, output };
}

describe('playbook.md', () => {
  let stack: Stack;
  const log: string[] = [];

  beforeAll(async () => {
    stack = await startStack({
      dataDir,
      ports: await freePorts(),
      log: (part, line) => log.push(`${part} ${line}`),
      seed: { products: 50, users: 50, orders: 300 },
    });
  });
  afterAll(async () => {
    await stack?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('runs as written, every command with exit code 0', async () => {
    const [environment, ...steps] = commands;
    expect(environment).toContain('operator.env');
    expect(steps.length).toBeGreaterThan(15);
    for (const step of steps) {
      const { code, output } = await inShell([environment ?? '', step]);
      expect(code, `${step}\n${output}\n${log.slice(-20).join('\n')}`).toBe(0);
    }
    const quote = await fetch(`${stack.addresses.facade}/api/shipping/quote?weight=2.5&country=DE`);
    expect(quote.headers.get('x-strangler-target')).toBe('service');
    const { output } = await inShell([environment ?? '', 'npx strangler status orders']);
    expect(output).toContain('switched, the service owns');
  });
});
