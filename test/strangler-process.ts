import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from '@strangler/errors';
import { onTestFinished } from 'vitest';
import type { TestSchema } from './ledger-database.ts';

const command = fileURLToPath(new URL('../cli/bin/strangler.js', import.meta.url));

/** What one run of the command said. */
export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The object that --json printed. */
  readonly json: {
    ok: boolean;
    result: Record<string, unknown>;
    error?: { code: string; fact: string; remedy: string };
  };
}

/** What a team's config file exports, before a test edits it. */
export interface TeamConfig {
  readonly environment: string;
  readonly monolith: { readonly url: string; readonly database: string };
  readonly extractions: { readonly x: Readonly<Record<string, unknown>> };
}

/** A team of its own: a config outside the repository, the real command, and `serve cdc` as a process. */
export class Team {
  readonly folder: string;
  readonly #environment: Record<string, string>;
  readonly #children = new Set<ChildProcess>();

  private constructor(folder: string, environment: Record<string, string>) {
    this.folder = folder;
    this.#environment = environment;
  }

  /** Writes the config where the repository isn't, and starts an HTTP server for each side that only says 200. */
  static async found(
    schema: TestSchema,
    urls: { monolith: string; service: string },
    limits = {},
    edit: (config: TeamConfig) => object = (config) => config,
  ): Promise<Team> {
    const folder = await mkdtemp(join(tmpdir(), 'a team '));
    const side = createServer((_, response) => response.end('ok'));
    await new Promise<void>((done) => side.listen(0, '127.0.0.1', done));
    const address = side.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const config: TeamConfig = {
      environment: 'team',
      monolith: { url, database: urls.monolith },
      extractions: { x: { service: { url, database: urls.service }, ...schema.extraction, limits } },
    };
    await writeFile(
      join(folder, 'strangler.config.ts'),
      `import { defineConfig } from '@strangler/config';\nexport default defineConfig(${JSON.stringify(edit(config))});\n`,
    );
    const team = new Team(folder, { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'warn' });
    onTestFinished(async () => {
      for (const child of team.#children) child.kill('SIGKILL');
      side.close();
      await rm(folder, { recursive: true });
    });
    return team;
  }

  /** Runs the command to its end. */
  async run(...words: string[]): Promise<Said> {
    const child = this.#spawn([...words, '--json']);
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise<number | null>((done) => child.once('close', done));
    return { code, stdout, stderr, json: JSON.parse(stdout === '' ? '{"ok":false,"result":{}}' : stdout) };
  }

  /** Runs the command and kills it as soon as it says that it begins the step; returns the signal that ended it. */
  async runKilledAt(step: string, ...words: string[]): Promise<NodeJS.Signals | null> {
    const child = this.#spawn(words);
    let told = '';
    child.stderr?.on('data', (chunk) => {
      told += chunk;
      if (told.split('\n').some((line) => line.startsWith(`${step}: `))) child.kill('SIGKILL');
    });
    return await new Promise((done) => child.once('close', (_, signal) => done(signal)));
  }

  /** Runs the command again until the run of a dead operator has lapsed. */
  async runUnlessHeld(...words: string[]): Promise<Said> {
    return await waitFor(
      async () => {
        const said = await this.run(...words);
        return said.code === 4 ? undefined : said;
      },
      { timeoutMs: 30_000, everyMs: 200, what: 'the lapse of the dead run' },
    );
  }

  /** Starts `strangler serve cdc` and waits until it is ready. */
  async serveCdc(): Promise<ChildProcess> {
    const child = this.#spawn(['serve', 'cdc']);
    let log = '';
    child.stderr?.on('data', (chunk) => {
      log += chunk;
    });
    await new Promise<void>((done, fail) => {
      child.stdout?.on('data', (chunk) => {
        log += chunk;
        if (String(chunk).includes('"ready":true')) done();
      });
      child.once('close', (code) => fail(new Error(`serve cdc ended with ${code}: ${log}`)));
    });
    return child;
  }

  #spawn(words: string[]): ChildProcess {
    const child = spawn(process.execPath, [command, ...words], {
      cwd: this.folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }
}
