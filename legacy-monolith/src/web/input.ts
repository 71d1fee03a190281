import { z } from 'zod';
import { notFound, Refusal } from './refusal.ts';

/** What a client sent, checked. Throws the 400 that lists what is wrong with it. */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => ({
    path: issue.path.map(String).join('.'),
    message: issue.message,
  }));
  throw new Refusal(400, 'invalid_request', { issues });
}

/** An id from a path. Throws 404 for what can't be one. */
export function parseId(text: unknown): number {
  const id = typeof text === 'string' && /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(id)) throw notFound();
  return id;
}

/** A positive whole number, as JSON has it. */
export const idNumber = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);

/** `?limit=`: digits only, from 1 to `max`. */
export function limitOf(query: unknown, bounds: { usual: number; max: number }): number {
  const limit = z
    .string()
    .regex(/^\d{1,6}$/, `a whole number from 1 to ${bounds.max}`)
    .transform(Number)
    .pipe(z.number().min(1).max(bounds.max))
    .default(bounds.usual);
  return parseInput(z.object({ limit }), query).limit;
}
