import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, readdir, readlink, realpath, symlink } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '@strangler/cluster';
import { deadline, waitFor } from '@strangler/errors';
import {
  type Compose,
  dockerfileOf,
  type Image,
  interpolate,
  isIgnored,
  readDockerfile,
  type Service,
} from './compose-file.ts';

const root = path.join(import.meta.dirname, '..');
const oneShotMs = 30_000;
const startMs = 30_000;
const stopMs = 20_000;

export interface ComposeRunOptions {
  readonly compose: Compose;
  /** What `.env` would say. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** A folder for what the images hold. */
  readonly home: string;
  /** Where services listen that are not ours: `name:port` to `host:port`. */
  readonly elsewhere: Readonly<Record<string, string>>;
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  output: string;
}

/**
 * Runs the services of docker-compose.yml that are built from our code as processes of this machine: the same
 * commands, environments and health checks in the same order, from folders that hold what the images hold. Only names
 * and ports differ: here all are on 127.0.0.1, on free ports.
 */
export class ComposeRun {
  readonly #options: ComposeRunOptions;
  readonly #images = new Map<string, Promise<string>>();
  readonly #ports = new Map<string, Promise<number>>();
  readonly #running = new Map<string, Running>();
  /** Everything that was started, whether it runs on or ends. */
  readonly #started: Running[] = [];

  constructor(options: ComposeRunOptions) {
    this.#options = options;
  }

  /** Our services, without those that only a profile starts. */
  get names(): string[] {
    return Object.entries(this.#options.compose.services).flatMap(([name, each]) =>
      isOurs(each) && !each.profiles ? [name] : [],
    );
  }

  /**
   * Does what `docker compose up` does: each service starts when those are well, or done, for which it waits. What
   * runs stays. @throws Error with the last words of the first that fails
   */
  async up(): Promise<void> {
    const begun = new Map<string, Promise<void>>();
    const begin = (name: string): Promise<void> => {
      const found = begun.get(name);
      if (found) return found;
      const needs = Promise.all(Object.keys(this.#service(name).depends_on ?? {}).map(begin));
      const done = needs.then(() => (isOurs(this.#service(name)) ? this.#bringUp(name) : undefined));
      begun.set(name, done);
      return done;
    };
    await Promise.all(this.names.map(begin));
  }

  /** Starts what runs on and waits until it is well; runs what ends to its end. */
  async #bringUp(name: string): Promise<void> {
    if (!this.#service(name).restart) {
      await this.run(name);
      return;
    }
    if (this.#running.has(name)) return;
    const running = await this.#start(name);
    this.#running.set(name, running);
    const check = this.#service(name).healthcheck;
    await waitFor(
      async () => {
        if (running.child.exitCode !== null) throw new Error(`${name} has ended: ${running.output}`);
        // A service without a health check says on its standard output that it is ready.
        const well =
          check && 'test' in check
            ? await this.#isWell(name, check.test)
            : running.output.includes('"ready":true');
        return well ? true : undefined;
      },
      { timeoutMs: startMs, everyMs: 50, what: `${name} to be well` },
    );
  }

  /** Runs a service's command, or another one in its place, to its end; returns its output. @throws Error unless it ends with 0 */
  async run(name: string, command?: readonly string[]): Promise<string> {
    const running = await this.#start(name, command);
    const code = await within(oneShotMs, running, name);
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${running.output}`);
    return running.output;
  }

  /** Asks each to stop as Compose does, the last one first; returns the exit codes. */
  async down(): Promise<Record<string, number | null>> {
    const codes: Record<string, number | null> = {};
    for (const [name, running] of [...this.#running].reverse()) {
      running.child.kill('SIGTERM');
      codes[name] = await within(stopMs, running, name);
      this.#running.delete(name);
    }
    return codes;
  }

  /** Ends whatever is left. */
  async end(): Promise<void> {
    for (const { child } of this.#started) child.kill('SIGKILL');
    await Promise.all(this.#started.map(({ exited }) => exited));
  }

  /** Where a service of ours listens. */
  async address(name: string, port: number): Promise<string> {
    return `127.0.0.1:${await this.#port(name, port)}`;
  }

  #service(name: string): Service {
    const found = this.#options.compose.services[name];
    if (!found) throw new Error(`there is no service ${name}`);
    return found;
  }

  async #start(name: string, command?: readonly string[]): Promise<Running> {
    const service = this.#service(name);
    const dockerfile = dockerfileOf(service) ?? '';
    const image = readDockerfile(dockerfile);
    const words = [
      ...(service.entrypoint ?? image.entrypoint),
      // As in a container, an entrypoint of the service's own takes the image's command away.
      ...(command ?? service.command ?? (service.entrypoint ? [] : image.command)),
    ];
    if (words[0] !== 'node') throw new Error(`${name} runs ${words[0]}`);
    const environment = await Promise.all(
      Object.entries(service.environment ?? {}).map(async ([variable, value]) => [
        variable,
        await this.#moved(name, interpolate(value, this.#options.variables), variable),
      ]),
    );
    const child = spawn(process.execPath, words.slice(1), {
      cwd: await this.#image(dockerfile, image),
      env: { ...here, ...image.environment, ...Object.fromEntries(environment) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { promise: exited, resolve } = Promise.withResolvers<number | null>();
    child.once('close', resolve);
    const running: Running = { child, exited, output: '' };
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        running.output += text;
      });
    this.#started.push(running);
    return running;
  }

  async #isWell(name: string, [, ...words]: readonly string[]): Promise<boolean> {
    const [program, ...args] = await Promise.all(words.map((word) => this.#moved(name, word)));
    if (program !== 'node') throw new Error(`the health check of ${name} runs ${program}`);
    const child = spawn(process.execPath, args, { env: here, stdio: 'ignore' });
    const { promise, resolve } = Promise.withResolvers<number | null>();
    child.once('exit', resolve);
    return (await promise) === 0;
  }

  /** A value with the addresses of this machine in place of the containers'. */
  async #moved(name: string, value: string, variable = ''): Promise<string> {
    if (/^\d+$/.test(value) && variable.endsWith('PORT'))
      return String(await this.#port(name, Number(value)));
    if (value === '0.0.0.0') return '127.0.0.1';
    const parts = value.split(/((?<![\w.-])(?:127\.0\.0\.1|[a-z][a-z0-9-]*):\d+)/);
    const moved = parts.map(async (part, at) => {
      if (at % 2 === 0) return part;
      const [host = '', port = ''] = part.split(':');
      const owner = host === '127.0.0.1' ? name : host;
      if (!(owner in this.#options.compose.services)) return part;
      return this.#options.elsewhere[part] ?? (await this.address(owner, Number(port)));
    });
    return (await Promise.all(moved)).join('');
  }

  #port(name: string, port: number): Promise<number> {
    const key = `${name}:${port}`;
    const found = this.#ports.get(key) ?? freePort();
    this.#ports.set(key, found);
    return found;
  }

  #image(dockerfile: string, image: Image): Promise<string> {
    const found =
      this.#images.get(dockerfile) ?? fill(path.join(this.#options.home, `image${this.#images.size}`), image);
    this.#images.set(dockerfile, found);
    return found;
  }
}

/** What a container gets from its engine. */
const here = {
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  TMPDIR: process.env['TMPDIR'],
  STRANGLER_TEST_RUN: process.env['STRANGLER_TEST_RUN'],
};

function isOurs(service: Service): boolean {
  const dockerfile = dockerfileOf(service);
  return dockerfile !== undefined && (readDockerfile(dockerfile).bases.at(-1) ?? '').startsWith('node:');
}

async function within(
  timeoutMs: number,
  { child, exited, output }: Running,
  name: string,
): Promise<number | null> {
  const late = deadline(timeoutMs);
  const kill = () => child.kill('SIGKILL');
  late.addEventListener('abort', kill);
  const code = await exited;
  late.removeEventListener('abort', kill);
  if (late.aborted) throw new Error(`${name} did not end in ${timeoutMs} ms: ${output}`);
  return code;
}

/**
 * Makes a folder with what an image has: what its Dockerfile copies, and installed packages, among which are those of
 * our workspaces that it has copied, too.
 */
async function fill(folder: string, image: Image): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const { sources, to } of image.copies) {
    for (const source of sources) {
      const target = to.endsWith('/') ? path.join(to, path.basename(source)) : to;
      await cp(path.join(root, source), path.join(folder, target), {
        recursive: true,
        filter: (name) => !isIgnored(path.relative(root, name)),
      });
    }
  }
  const installed = path.join(root, 'node_modules');
  const modules = path.join(folder, 'node_modules');
  for (const name of await readdir(installed)) {
    if (name === '@strangler' || name === '@shop') await linkWorkspaces(folder, name);
    else if (!name.startsWith('.')) await link(path.join(installed, name), path.join(modules, name));
  }
  return folder;
}

async function linkWorkspaces(folder: string, scope: string): Promise<void> {
  const installed = path.join(root, 'node_modules', scope);
  for (const name of await readdir(installed)) {
    const source = path.resolve(installed, await readlink(path.join(installed, name)));
    const copied = path.join(folder, path.relative(root, source));
    const isThere = await realpath(path.join(copied, 'package.json')).then(
      () => true,
      () => false,
    );
    if (isThere) await link(copied, path.join(folder, 'node_modules', scope, name));
  }
}

async function link(target: string, name: string): Promise<void> {
  await mkdir(path.dirname(name), { recursive: true });
  await symlink(target, name);
}
