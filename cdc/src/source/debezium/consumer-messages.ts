import { z } from 'zod';

/** What a consumer's thread is started with. */
export const consumerTask = z.object({
  brokers: z.array(z.string()).readonly(),
  topic: z.string(),
  /** Offset of the first record that is asked for. */
  start: z.bigint(),
});
export type ConsumerTask = z.infer<typeof consumerTask>;

/** What the thread is asked for; `taken`: it may send one more piece. */
export const consumerRequest = z.enum(['taken', 'close']);
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
