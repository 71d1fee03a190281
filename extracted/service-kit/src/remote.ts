import CircuitBreaker from 'opossum';
import type { Logger } from './logging.ts';

export interface RemoteAnswer {
  status: number;
  body: unknown;
}

/** Thrown when a context gave no answer that means anything: down, too slow, failing, or its circuit is open. */
export class RemoteUnavailable extends Error {
  /** True when the call was refused here, by the open circuit: the context has not been asked. */
  readonly notSent: boolean;

  constructor(remote: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`${remote} is unavailable: ${reason}`, { cause });
    this.name = 'RemoteUnavailable';
    this.notSent = cause instanceof Error && 'code' in cause && cause.code === 'EOPENBREAKER';
  }
}

export interface Remote {
  /**
   * Sends one JSON request. Answers of the business (2xx, 400, 402, 409, 422) are returned; anything else throws
   * `RemoteUnavailable` and counts as a failure of the context. `signal` ends the call at once.
   */
  post(path: string, body: unknown, signal: AbortSignal): Promise<RemoteAnswer>;
  /** What the circuit breaker does with the next call. */
  circuit(): 'closed' | 'open' | 'half-open';
  stop(): void;
}

export interface RemoteSettings {
  name: string;
  url: string;
  /** Sent as a bearer token. */
  token: string;
  logger: Logger;
  /** How long a call may take, in milliseconds. */
  timeoutMs?: number;
  /** How long an open circuit refuses calls before it tries one, in milliseconds. */
  resetMs?: number;
}

const BUSINESS_REFUSALS = new Set([400, 402, 409, 422]);

/** A client of another context behind a circuit breaker; connections are kept alive by the global agent. */
export function createRemote(settings: RemoteSettings): Remote {
  const send = async (path: string, body: unknown, signal: AbortSignal): Promise<RemoteAnswer> => {
    const response = await fetch(new URL(path, settings.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${settings.token}` },
      body: JSON.stringify(body),
      signal,
    });
    if (response.ok || BUSINESS_REFUSALS.has(response.status)) {
      return { status: response.status, body: await response.json() };
    }
    await response.arrayBuffer();
    throw new Error(`${path} answered ${response.status}`);
  };
  const breaker = new CircuitBreaker(send, {
    name: settings.name,
    timeout: settings.timeoutMs ?? 5_000,
    errorThresholdPercentage: 50,
    volumeThreshold: 10,
    resetTimeout: settings.resetMs ?? 30_000,
  });
  breaker.on('open', () => settings.logger.warn({ remote: settings.name }, 'circuit opened'));
  breaker.on('close', () => settings.logger.info({ remote: settings.name }, 'circuit closed'));
  return {
    async post(path, body, signal) {
      const call = new AbortController();
      try {
        return await breaker.fire(path, body, AbortSignal.any([signal, call.signal]));
      } catch (error) {
        // The breaker only stops waiting when its time is up; the request itself is ended here.
        call.abort();
        throw new RemoteUnavailable(settings.name, error);
      }
    },
    circuit: () => (breaker.opened ? 'open' : breaker.halfOpen ? 'half-open' : 'closed'),
    stop: () => breaker.shutdown(),
  };
}
