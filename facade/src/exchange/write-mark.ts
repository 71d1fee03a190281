import { createHmac, timingSafeEqual } from 'node:crypto';

/** The request header that marks a write as passed on, for writes that it makes through the facade in its turn. */
export const writeMarkHeader = 'x-strangler-write';
const bucketMs = 10_000;
const bucketsValid = 6;

/** Makes and knows the marks of one extraction. A mark says which write route family it is of and is good for a minute. */
export class WriteMark {
  readonly #secret: string;
  readonly #extraction: string;
  #current = { bucket: -1, mark: '' };

  constructor(secret: string, extraction: string) {
    this.#secret = secret;
    this.#extraction = extraction;
  }

  /** `now`: ms since 1970. */
  make(now: number): string {
    const bucket = Math.floor(now / bucketMs);
    if (this.#current.bucket !== bucket) this.#current = { bucket, mark: this.#of(bucket) };
    return this.#current.mark;
  }

  knows(mark: unknown, now: number): boolean {
    if (typeof mark !== 'string') return false;
    const bucket = Number.parseInt(mark, 36);
    const age = Math.floor(now / bucketMs) - bucket;
    if (!(age >= -1 && age <= bucketsValid)) return false;
    const given = Buffer.from(mark);
    const right = Buffer.from(this.#of(bucket));
    return given.length === right.length && timingSafeEqual(given, right);
  }

  #of(bucket: number): string {
    const text = bucket.toString(36);
    const seal = createHmac('sha256', this.#secret)
      .update(`write:${this.#extraction}:${text}`)
      .digest('base64url');
    return `${text}.${seal}`;
  }
}
