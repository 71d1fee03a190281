import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const root = path.join(import.meta.dirname, '..');

/** Whether a file or folder of the repository is there. */
export const inRepository = (file: string) => existsSync(path.join(root, file));
export const readRepository = (file: string) => readFileSync(path.join(root, file), 'utf8');

const duration = z.string().regex(/^\d+s$/);
const condition = z.enum(['service_healthy', 'service_completed_successfully']);

/** As much of Compose's specification as our file uses, strictly: a misspelt key must not pass. */
const service = z.strictObject({
  image: z.string().optional(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  entrypoint: z.array(z.string()).min(1).optional(),
  command: z.array(z.string()).min(1).optional(),
  restart: z.literal('unless-stopped').optional(),
  stop_grace_period: duration.optional(),
  environment: z.record(z.string(), z.string()).optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition })).optional(),
  healthcheck: z
    .union([
      z.strictObject({ disable: z.literal(true) }),
      z.strictObject({
        test: z.tuple([z.literal('CMD')], z.string()),
        interval: duration,
        timeout: duration,
        retries: z.int().positive(),
      }),
    ])
    .optional(),
  volumes: z.array(z.string()).optional(),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)).optional(),
  profiles: z.array(z.literal('command')).optional(),
});
export type Service = z.output<typeof service>;

const file = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
});

export type Compose = z.output<typeof file>;

/** docker-compose.yml, its `x-` parts merged in. */
export function readCompose(): Compose {
  const whole = z
    .record(z.string(), z.unknown())
    .parse(parse(readRepository('docker-compose.yml'), { merge: true }));
  return file.parse(Object.fromEntries(Object.entries(whole).filter(([key]) => !key.startsWith('x-'))));
}

/** Fills variables in as Compose does. @throws Error for one that has no value and no fallback */
export function interpolate(text: string, variables: Readonly<Record<string, string | undefined>>): string {
  return text.replace(
    /\$(?:(\$)|\{([A-Z_]+)(?::-([^}]*)|:\?)\})/g,
    (_, escaped: string | undefined, name = '', fallback?: string) => {
      if (escaped) return '$';
      const value = variables[name] || fallback;
      if (value === undefined) throw new Error(`${name} is missing a value`);
      return value;
    },
  );
}

/** What the last stage of a Dockerfile makes, in which `COPY --from` takes only what the first stage has installed. */
export interface Image {
  /** Every `FROM`, the last one last. */
  readonly bases: readonly string[];
  readonly copies: readonly { readonly sources: readonly string[]; readonly to: string }[];
  readonly user: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

export function readDockerfile(dockerfile: string): Image {
  const text = readRepository(dockerfile);
  const stage = text.slice(text.lastIndexOf('\nFROM '));
  const found = (pattern: RegExp) => pattern.exec(stage)?.[1];
  const list = (pattern: RegExp) => z.array(z.string()).parse(JSON.parse(found(pattern) ?? '[]'));
  return {
    bases: [...text.matchAll(/^FROM (\S+)/gm)].map(([, base = '']) => base),
    copies: [...stage.matchAll(/^COPY (?!--)(.+) (\S+)$/gm)].map(([, sources = '', to = '']) => ({
      sources: sources.split(' '),
      to,
    })),
    user: found(/^USER (\S+)$/m),
    environment: Object.fromEntries(
      [...stage.matchAll(/^ENV (\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]),
    ),
    entrypoint: list(/^ENTRYPOINT (.+)$/m),
    command: list(/^CMD (.+)$/m),
  };
}

/** The Dockerfile that a service is built from, as a path in the repository. */
export function dockerfileOf({ build }: Service): string | undefined {
  return build && path.join(build.context, build.dockerfile);
}

const ignored = readRepository('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** Whether a file of the repository stays out of the images built from its root. */
export function isIgnored(name: string): boolean {
  return ignored.some(
    (pattern) => path.matchesGlob(name, pattern) || path.matchesGlob(name, `${pattern}/**`),
  );
}
