import { z } from 'zod';

/** What a consumer's thread is started with. */
export const consumerTask = z.object({
  brokers: z.array(z.string()).readonly(),
  topic: z.string(),
});
export type ConsumerTask = z.infer<typeof consumerTask>;

/** Pieces of which it is said at once that they were taken. */
export const piecesAtOnce = 8;

/** What the thread is asked for: to read from an offset on, to send `piecesAtOnce` more pieces, to end. */
export const consumerRequest = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('read'), from: z.bigint() }),
  z.object({ kind: z.literal('taken') }),
  z.object({ kind: z.literal('close') }),
]);
export type ConsumerRequest = z.infer<typeof consumerRequest>;

const piece = z.object({
  first: z.string(),
  index: z.instanceof(Int32Array<ArrayBuffer>),
  bytes: z.instanceof(Uint8Array<ArrayBuffer>),
});

/** What the thread tells; `packing`: the records themselves cannot be unpacked. */
export const consumerReport = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('reading') }),
  z.object({ kind: z.literal('piece'), piece }),
  z.object({ kind: z.literal('failed'), why: z.string(), packing: z.boolean() }),
]);
export type ConsumerReport = z.infer<typeof consumerReport>;
