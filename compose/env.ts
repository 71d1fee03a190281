/** `npm run compose:env`: makes `.env` for docker-compose.yml from `.env.example`, with secrets of its own. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');

if (import.meta.main) {
  const file = path.join(root, '.env');
  const example = await readFile(path.join(root, '.env.example'), 'utf8');
  try {
    await writeFile(file, withSecrets(example), { mode: 0o600, flag: 'wx' });
    process.stdout.write('.env is made. It holds secrets, and is in no image and in no commit.\n');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    process.stderr.write('.env is there already, and stays as it is: the databases have its passwords.\n');
    process.exitCode = 1;
  }
}

/** The example, with a random secret for each variable that has no value. */
export function withSecrets(example: string): string {
  return example.replace(/^([A-Z_]+)=$/gm, (_, name: string) => `${name}="${secret(name)}"`);
}

function secret(name: string): string {
  if (name === 'JWT_PRIVATE_KEY') {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().replaceAll('\n', '\\n');
  }
  const random = randomBytes(24).toString('hex');
  if (name === 'UNLEASH_TOKEN') return `default:development.${random}`;
  if (name === 'UNLEASH_ADMIN_TOKEN') return `*:*.${random}`;
  return random;
}
