import { z } from 'zod';
import { ruleSchema } from './rules.ts';

const answer = z.strictObject({
  status: z.number().int(),
  headers: z.record(z.string(), z.string()),
  /** The body as it was sent. */
  body: z.string(),
});

/** A call that one of a side's contexts was asked, and what it said. */
const contextCall = z.strictObject({
  path: z.string(),
  body: z.json(),
  status: z.number().int(),
  answer: z.json(),
});

const exchange = z.strictObject({
  request: z.strictObject({
    method: z.enum(['GET', 'POST']),
    /** `{name}` stands for an id that an earlier exchange of the journey captured. */
    path: z.string(),
    /** The seeded user in whose name it is sent; nobody when absent. */
    as: z.number().int().optional(),
    key: z.string().optional(),
    /** Sent as it stands, so that what is no JSON can be sent, too. */
    body: z.string().optional(),
  }),
  /** Under which name the answer's `$.id` is known from now on. */
  capture: z.string().optional(),
  answer,
  /** What the contexts that stay must be asked while this is answered, and what they say to it. */
  calls: z.array(contextCall),
});

export const cassetteSchema = z.strictObject({
  journey: z.string(),
  /** Moments before it are seeded and the same on both sides. ISO, UTC. */
  recordedAt: z.string(),
  rules: z.array(ruleSchema),
  exchanges: z.array(exchange),
});

/** One journey of the contract as the control answered it. */
export type Cassette = z.output<typeof cassetteSchema>;
export type Exchange = z.output<typeof exchange>;
export type ContextCall = z.output<typeof contextCall>;

/** The seeded rows of a side's tables, by table name, as JSON texts of each value. */
export const seedSchema = z.record(z.string(), z.array(z.record(z.string(), z.string().nullable())));
export type Seed = z.output<typeof seedSchema>;
