import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type pg from 'pg';

/** The parts of pg's own connection that carry replication. They are internal, so pg is pinned and they are checked. */
interface PgConnection extends EventEmitter {
  readonly stream: Socket;
  sendCopyFromChunk(chunk: Buffer): void;
}

/** A connection in COPY BOTH mode: bytes in both directions at once. */
export interface CopyBoth {
  /** Resolves when the server has begun to stream. */
  readonly started: Promise<void>;
  /** The chunk is only valid during the call. */
  onData(take: (chunk: Buffer) => void): void;
  send(chunk: Buffer): void;
  pause(): void;
  resume(): void;
  destroy(): void;
  end(): Promise<void>;
}

export function copyBoth(client: pg.Client): CopyBoth {
  const connection = connectionOf(client);
  const started = new Promise<void>((resolve) => connection.once('replicationStart', () => resolve()));
  const closed = new Promise<void>((resolve) => connection.once('end', () => resolve()));
  return {
    started,
    onData: (take) => connection.on('copyData', (message: { chunk: Buffer }) => take(message.chunk)),
    send: (chunk) => {
      if (connection.stream.writable) connection.sendCopyFromChunk(chunk);
    },
    pause: () => connection.stream.pause(),
    resume: () => connection.stream.resume(),
    destroy: () => connection.stream.destroy(),
    // The walsender ends when its client is gone; the Terminate message after the last status needs no answer.
    end: async () => {
      if (connection.stream.destroyed) return;
      connection.stream.resume();
      void client.end().catch(() => {});
      const late = setTimeout(() => connection.stream.destroy(), 1_000);
      await closed;
      clearTimeout(late);
    },
  };
}

function connectionOf(client: pg.Client): PgConnection {
  const connection: unknown = 'connection' in client ? client.connection : undefined;
  if (!isPgConnection(connection)) throw new TypeError('this version of pg has no connection of that shape');
  return connection;
}

function isPgConnection(value: unknown): value is PgConnection {
  return (
    typeof value === 'object' &&
    value !== null &&
    'sendCopyFromChunk' in value &&
    typeof value.sendCopyFromChunk === 'function' &&
    'stream' in value &&
    typeof value.stream === 'object'
  );
}
