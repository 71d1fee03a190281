import { type Lsn, lsn } from '@strangler/postgres';
import { Cursor, MalformedMessage } from './cursor.ts';

/** What a walsender puts into CopyData (manual, "Streaming Replication Protocol"). */
export type Frame =
  | { readonly kind: 'data'; readonly payload: Buffer; readonly sentMs: number }
  | {
      readonly kind: 'keepalive';
      /** Everything before it has been sent. */
      readonly position: Lsn;
      readonly sentMs: number;
      readonly replyNow: boolean;
    };

const epochMs = 946_684_800_000;

/** @throws MalformedMessage for anything else. */
export function decodeFrame(bytes: Buffer): Frame {
  const cursor = new Cursor(bytes);
  const tag = String.fromCharCode(cursor.byte());
  if (tag === 'w') {
    cursor.skip(16);
    const sentMs = clock(cursor.signedInt64());
    return { kind: 'data', payload: cursor.rest(), sentMs };
  }
  if (tag === 'k') {
    const position = lsn(cursor.int64());
    const sentMs = clock(cursor.signedInt64());
    return { kind: 'keepalive', position, sentMs, replyNow: cursor.byte() !== 0 };
  }
  throw new MalformedMessage(`unknown frame ${JSON.stringify(tag)}`);
}

/** A standby's status: `received` so far, `durable` in the target. Only the latter lets the source forget. */
export function encodeStatus(status: {
  received: Lsn;
  durable: Lsn;
  nowMs: number;
  replyNow: boolean;
}): Buffer {
  const bytes = Buffer.alloc(34);
  bytes.write('r', 0, 'latin1');
  bytes.writeBigUInt64BE(status.received, 1);
  bytes.writeBigUInt64BE(status.durable, 9);
  bytes.writeBigUInt64BE(status.durable, 17);
  bytes.writeBigInt64BE(BigInt(Math.round(status.nowMs - epochMs)) * 1_000n, 25);
  bytes.writeUInt8(status.replyNow ? 1 : 0, 33);
  return bytes;
}

function clock(micros: bigint): number {
  return Math.trunc(Number(micros) / 1_000) + epochMs;
}
