import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { deadline } from '@strangler/errors';
import { z } from 'zod';

/** Customers of the seed, who have orders; whose answers `strangler parity` compares. */
const customers = [1, 2, 3].map((n) => ({ email: `user${n}@example.test`, password: 'correct horse' }));
const session = z.object({ token: z.string().min(1) });

/** Logs a few seeded customers in; fewer where the seed was small or a password has changed. */
export async function signInCustomers(monolith: string, signal: AbortSignal): Promise<string[]> {
  const tokens: string[] = [];
  for (const customer of customers) {
    const response = await fetch(`${monolith}/api/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(customer),
      signal: deadline(10_000, signal),
    });
    const body = await response.json();
    if (response.ok) tokens.push(session.parse(body).token);
  }
  return tokens;
}

/** The operator's environment, for a shell of theirs: `set -a; . operator.env; set +a`. It holds secrets: mode 0600. */
export async function writeOperatorEnvironment(dataDir: string, env: Record<string, string>): Promise<void> {
  const lines = Object.entries(env).map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`);
  await writeFile(path.join(dataDir, 'operator.env'), lines.join(''), { mode: 0o600 });
}
