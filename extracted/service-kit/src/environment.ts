import { z } from 'zod';

/**
 * Reads a service's settings from environment variables through a zod object. Secrets come from nowhere else.
 *
 * Throws an `Error` that names every variable that is missing or wrong, never its value.
 */
export function readEnvironment<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  variables: Record<string, string | undefined>,
): z.output<z.ZodObject<Shape>> {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`the environment is not usable: ${problems.join('; ')}`);
}

/** A TCP port as text; 0 asks the system for a free one. */
export const port = z.coerce.number().int().min(0).max(65_535);

/** A whole number above zero as text, for counts and for durations in milliseconds. */
export const positive = z.coerce.number().int().min(1);
