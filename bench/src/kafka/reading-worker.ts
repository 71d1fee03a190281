import kafkajs from 'kafkajs';
import { z } from 'zod';
import { answerCalls } from '../child.ts';
import { lastId } from './history.ts';

/** What kafkajs alone does with our topic: every record up to the last row, with or without JSON.parse. */
const request = z.object({
  brokers: z.array(z.string()),
  topic: z.string(),
  group: z.string(),
  parse: z.boolean(),
});
const lastKey = Buffer.from(JSON.stringify({ id: lastId }));

answerCalls({
  async read(argument) {
    const { brokers, topic, group, parse } = request.parse(argument);
    const kafka = new kafkajs.Kafka({ clientId: 'bench', brokers, logLevel: kafkajs.logLevel.ERROR });
    const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 50, maxBytesPerPartition: 4 << 20 });
    const found = Promise.withResolvers<{ records: number; bytes: number }>();
    let records = 0;
    let bytes = 0;
    consumer.on('consumer.crash', ({ payload }) => found.reject(payload.error));
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { key, value } of batch.messages) {
          records += 1;
          bytes += (key?.length ?? 0) + (value?.length ?? 0);
          if (parse) parsed(key, value);
          if (key?.equals(lastKey)) found.resolve({ records, bytes });
        }
      },
    });
    const counted = await found.promise;
    void consumer.disconnect();
    return counted;
  },
});

function parsed(key: Buffer | null, value: Buffer | null): void {
  if (key) JSON.parse(key.toString());
  if (value) JSON.parse(value.toString());
}
