import { StranglerError } from '@strangler/errors';
import type { z } from 'zod';

/** A config that cannot be used, with the path of each mistake in it. */
export function invalid(path: string, issues: readonly string[]): StranglerError {
  return new StranglerError(
    'CONFIG_INVALID',
    `${path}: ${issues.join('; ')}.`,
    'Correct the config; docs/config.md lists every key.',
  );
}

/** One line for each mistake; of a value that may be one of several things, what the closest of them misses. */
export function mistakes(issue: z.core.$ZodIssue, above: readonly PropertyKey[] = []): string[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const kinds = issue.errors.map((each) => each.flatMap((inner) => mistakes(inner, path)));
    const deeper = issue.errors.findIndex((each) =>
      each.every((inner) => inner.code !== 'invalid_type' || inner.path.length > 0),
    );
    return kinds[deeper] ?? [`${path.join('.')}: neither of the forms that docs/config.md has for it`];
  }
  const words =
    issue.code === 'invalid_key' ? issue.issues.map((each) => each.message).join(', ') : issue.message;
  return [`${path.join('.') || '(root)'}: ${words}`];
}
