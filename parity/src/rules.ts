import { z } from 'zod';

/**
 * How a value may differ between two sides that answer alike. Rules are data: they name paths like
 * `$.orders[*].createdAt`.
 *
 * `id`: a value that each side gives out itself. Which stands for which is learned when first met, must stay so, and
 * ids up to `sameUpTo` are the same on both sides.
 * `time`: moments of the same form; one before `sameBefore` must be the same.
 * `any`: only its presence counts.
 */
export const ruleSchema = z.discriminatedUnion('as', [
  z.strictObject({ path: z.string(), as: z.literal('id'), sameUpTo: z.number().int().optional() }),
  z.strictObject({ path: z.string(), as: z.literal('time'), sameBefore: z.string().optional() }),
  z.strictObject({ path: z.string(), as: z.literal('any') }),
]);

export type Rule = z.output<typeof ruleSchema>;

/** Which id of the left side stands for which of the right side, learned while comparing. */
export class IdPairs {
  readonly #rightOf = new Map<string, string>();
  readonly #leftOf = new Map<string, string>();

  /** Whether the two stand for each other; the first meeting decides. */
  agree(left: string, right: string): boolean {
    const known = this.#rightOf.get(left);
    if (known !== undefined || this.#leftOf.has(right)) return known === right;
    this.#rightOf.set(left, right);
    this.#leftOf.set(right, left);
    return true;
  }
}

/** The first rule whose path covers a concrete one like `$.orders[3].createdAt`. */
export function ruleFor(rules: readonly Rule[], path: string): Rule | undefined {
  const general = path.replace(/\[\d+\]/g, '[*]');
  return rules.find((rule) => rule.path === path || rule.path === general);
}
