import { z } from 'zod';

/** What the load generator is asked for. */
export const loadOrder = z.object({
  port: z.number(),
  path: z.string(),
  requests: z.number(),
  connections: z.number(),
});
export type LoadOrder = z.infer<typeof loadOrder>;

/** What it tells afterwards. */
export const loadResult = z.object({
  /** Milliseconds from the request's first byte out to the answer's last byte in. */
  p50: z.number(),
  p99: z.number(),
  /** Who answered, as the facade says it, and how often; `-` where nobody says it. */
  targets: z.record(z.string(), z.number()),
});
