import { StranglerError } from '@strangler/errors';
import { z } from 'zod';

const duration = z.string().regex(/^\d+(\.\d+)?(ms|s|m)$/, 'a duration such as 500ms, 2s or 1m');
const size = z.string().regex(/^\d+(\.\d+)?(MB|GB|TB)$/, 'a size such as 500MB or 10GB');
const url = z.url({ protocol: /^https?$/, error: 'an address such as http://127.0.0.1:4000' });
const broker = z.string().regex(/^[^\s:/]+:\d{1,5}$/, 'a broker such as kafka:9092');
const database = z
  .string()
  .refine(namesDatabase, 'an address such as postgresql://host:5432/database, without user and password');
const name = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'lower-case letters, digits and hyphens');
const route = z
  .string()
  .regex(
    /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/\S*$/,
    'a method and a path, such as GET /api/orders/:id',
  );
const client = z.strictObject({
  jwt: z.string().optional(),
  cookie: z.string().optional(),
  header: z.string().optional(),
});
const column = z.strictObject({
  to: z.string().min(1).optional(),
  from: z.string().min(1).optional(),
  back: z.string().min(1).optional(),
  omit: z.boolean().optional(),
});

/** The shape of strangler.config.ts. Unknown keys are errors. */
export const configSchema = z.strictObject({
  environment: name,
  monolith: z.strictObject({ url, database }),
  flags: z.strictObject({ unleash: url, token: z.string().min(1) }).optional(),
  grown: z.strictObject({ kafka: z.array(broker).min(1), connect: url }).optional(),
  extractions: z
    .record(
      name,
      z.strictObject({
        service: z.strictObject({ url, database }),
        client: client.optional(),
        engine: z.enum(['embedded', 'debezium']).optional(),
        plainArrays: z.boolean().optional(),
        routes: z
          .record(name, z.union([route, z.strictObject({ match: route, writes: z.boolean().optional() })]))
          .optional(),
        readers: z
          .array(
            z.union([route, z.strictObject({ match: route, late: z.enum(['refuse', 'serve']).optional() })]),
          )
          .optional(),
        tables: z.record(
          z.string().min(1),
          z.strictObject({
            to: z.string().min(1).optional(),
            columns: z.record(z.string().min(1), column).optional(),
          }),
        ),
        limits: z
          .strictObject({
            lag: duration.optional(),
            drain: duration.optional(),
            fence: duration.optional(),
            hold: duration.optional(),
            holdRequests: z.int().positive().optional(),
            ownWrite: duration.optional(),
            late: duration.optional(),
            wal: size.optional(),
          })
          .optional(),
        unfinished: z
          .strictObject({ monolith: z.string().optional(), service: z.string().optional() })
          .optional(),
        parity: z
          .strictObject({
            requests: z.array(z.string().regex(/^GET \/\S*$/)).optional(),
            clients: z.array(z.record(z.string(), z.string())).optional(),
            ignore: z.array(z.string()).optional(),
          })
          .optional(),
      }),
    )
    .optional(),
  routes: z
    .record(name, z.strictObject({ match: route, service: url, client: client.optional() }))
    .optional(),
});

export type ConfigInput = z.input<typeof configSchema>;

/** Without a host or a database the driver would fill in something of its own. */
function namesDatabase(text: string): boolean {
  const parsed = URL.parse(text);
  if (!parsed) return false;
  const { protocol, hostname, pathname } = parsed;
  return /^postgres(ql)?:$/.test(protocol) && hostname !== '' && pathname.length > 1;
}

/** For completion and type checks in the editor; the command checks the same again when it loads the file. */
export function defineConfig(input: ConfigInput): ConfigInput {
  return input;
}

/** A value from the environment. @throws StranglerError ENV_MISSING when neither it nor a fallback is there. */
export function env(variable: string, fallback?: string): string {
  const value = process.env[variable] ?? fallback;
  if (value === undefined || value === '') {
    throw new StranglerError(
      'ENV_MISSING',
      `The config needs ${variable}, which is not set.`,
      `Set ${variable} in the environment.`,
    );
  }
  return value;
}
