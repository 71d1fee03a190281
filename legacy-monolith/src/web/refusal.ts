/** A business "no" that ends the request, and rolls back the transaction that it is thrown in. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: { error: string; [detail: string]: unknown };

  constructor(status: number, error: string, details: Record<string, unknown> = {}) {
    super(error);
    this.name = 'Refusal';
    this.status = status;
    this.body = { error, ...details };
  }
}

export const unauthenticated = () => new Refusal(401, 'unauthenticated');
export const notFound = () => new Refusal(404, 'not_found');
