import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseEnv } from 'node:util';

/** The login roles of both clusters that the stack makes, each with the variable of its password. */
export const rolePasswords = {
  shop_app: 'SHOP_APP_PASSWORD',
  shop_migrator: 'SHOP_MIGRATOR_PASSWORD',
  orders_app: 'ORDERS_APP_PASSWORD',
  orders_migrator: 'ORDERS_MIGRATOR_PASSWORD',
  unleash: 'UNLEASH_DATABASE_PASSWORD',
  strangler_admin: 'STRANGLER_ADMIN_PASSWORD',
  strangler_source: 'STRANGLER_SOURCE_PASSWORD',
  strangler_apply: 'STRANGLER_APPLY_PASSWORD',
  strangler_facade: 'STRANGLER_FACADE_PASSWORD',
  strangler_operator: 'STRANGLER_OPERATOR_PASSWORD',
} as const;

const random = () => randomBytes(24).toString('base64url');

/** How each secret is made. */
const makers = {
  /** The superuser's: only the stack itself uses it, where a team's DBA would. */
  POSTGRES_PASSWORD: random,
  ...(Object.fromEntries(Object.values(rolePasswords).map((name) => [name, random])) as Record<
    (typeof rolePasswords)[keyof typeof rolePasswords],
    () => string
  >),
  JWT_PRIVATE_KEY: () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
  INTERNAL_TOKEN: random,
  STRANGLER_COOKIE_SECRET: random,
  UNLEASH_TOKEN: () => `default:development.${random()}`,
  UNLEASH_ADMIN_TOKEN: () => `*:*.${random()}`,
} satisfies Record<string, () => string>;

/** Every secret of the stack, by the name of its variable. */
export type Secrets = Record<keyof typeof makers, string>;

/**
 * The secrets of a stack's data: made once, kept in `secrets.env` (mode 0600) beside the data; one that a later
 * version of the stack adds is made when it is missed.
 */
export async function loadSecrets(dataDir: string): Promise<Secrets> {
  const file = path.join(dataDir, 'secrets.env');
  const known = parseEnv(await readFile(file, 'utf8').catch(() => ''));
  const secrets = Object.fromEntries(
    Object.entries(makers).map(([name, make]) => [name, known[name] ?? make()]),
  ) as Secrets;
  await mkdir(dataDir, { recursive: true });
  const lines = Object.entries(secrets).map(([name, value]) => `${name}="${value}"\n`);
  await writeFile(file, lines.join(''), { mode: 0o600 });
  return secrets;
}
