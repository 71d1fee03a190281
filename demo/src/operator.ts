import { StranglerError } from '@strangler/errors';
import type { Stack } from '@strangler/stack';
import { z } from 'zod';

/** What every verb prints with `--json`: a result, or the error that it ended in. */
const answer = z.object({
  ok: z.boolean(),
  result: z.unknown().optional(),
  error: z.object({ code: z.string(), fact: z.string(), remedy: z.string() }).optional(),
});

/** What a verb that didn't end with 0 says. */
function complaint(done: { stdout: string; stderr: string }): string {
  try {
    const { error, result } = answer.parse(JSON.parse(done.stdout));
    return error ? `${error.code}: ${error.fact} ${error.remedy}` : refusals(result);
  } catch {
    return done.stderr.trim().slice(-600);
  }
}

/** Of a list of findings only those that say no; of anything else its beginning. */
function refusals(result: unknown): string {
  const listed = z.object({ findings: z.array(z.looseObject({ level: z.string() })) }).safeParse(result);
  const said = listed.success
    ? listed.data.findings.filter(({ level }) => level !== 'ok' && level !== 'warn')
    : result;
  return JSON.stringify(said).slice(0, 1_500);
}

/** The person at the command: runs real verbs, one after the other. */
export class Operator {
  readonly #stack: Stack;
  readonly #say: (line: string) => void;
  /** How often a verb is tried when a check says no: more than once while a killed part comes back, or where speed is not judged. */
  readonly #attempts: number;

  constructor(stack: Stack, options: { say: (line: string) => void; attempts: number }) {
    this.#stack = stack;
    this.#say = options.say;
    this.#attempts = options.attempts;
  }

  /** @returns the verb's result. @throws StranglerError COMPONENT_FAILED when it doesn't end with 0 */
  async run(...args: string[]): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      const done = await this.#stack.strangler([...args, '--json'], { timeoutMs: 180_000 });
      if (done.exitCode === 0) return answer.parse(JSON.parse(done.stdout)).result;
      const said = complaint(done);
      if (attempt === this.#attempts) {
        throw new StranglerError(
          'COMPONENT_FAILED',
          `\`strangler ${args.join(' ')}\` ended with ${done.exitCode}: ${said}`,
          'The command itself says what to do.',
        );
      }
      this.#say(`strangler ${args.join(' ')} said no (${done.exitCode}): ${said}; once more`);
    }
  }
}
