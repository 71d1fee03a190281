import type { Answer } from '@shop/service-kit';
import { z } from 'zod';

export type Input<Value> = { ok: true; value: Value } | { ok: false; answer: Answer };

/** What a client sent, checked; otherwise the 400 that lists what is wrong with it. */
export function parseInput<Value>(schema: z.ZodType<Value>, given: unknown): Input<Value> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issues = parsed.error.issues.map((issue) => ({
    path: issue.path.map(String).join('.'),
    message: issue.message,
  }));
  return { ok: false, answer: invalidRequest(issues) };
}

export function invalidRequest(issues: { path: string; message: string }[]): Answer {
  return { status: 400, body: { error: 'invalid_request', issues } };
}

/** A positive whole number, as JSON has it. */
export const idNumber = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);

/** `?limit=`: digits only, 1 to 100. */
export const listQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,6}$/, 'a whole number from 1 to 100')
    .transform(Number)
    .pipe(z.number().min(1).max(100))
    .default(20),
});

/** An id from a path, or undefined for what can't be one. */
export function pathId(text: unknown): string | undefined {
  if (typeof text !== 'string' || !/^[1-9]\d{0,15}$/.test(text)) return undefined;
  return Number.isSafeInteger(Number(text)) ? text : undefined;
}
