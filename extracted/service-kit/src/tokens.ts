import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { Logger } from './logging.ts';

/** Thrown when the keys that tokens are checked with cannot be had: that says nothing about the token. */
export class KeysUnavailable extends Error {
  constructor(cause: unknown) {
    super('the keys to verify tokens with are out of reach', { cause });
    this.name = 'KeysUnavailable';
  }
}

export interface TokenVerifier {
  /** The token's subject, or undefined for a token that is not valid. Throws `KeysUnavailable`. */
  subject(token: string): Promise<string | undefined>;
  stop(): void;
}

export interface TokenSettings {
  jwksUrl: string;
  logger: Logger;
  /** Who must have issued a token. */
  issuer?: string;
  /** How often the keys are fetched anew, in milliseconds. */
  refreshMs?: number;
}

/**
 * Verifies JWTs against the issuer's published keys. Keys once fetched stay good while the issuer is down: they
 * are renewed beside the requests, and at once (at most every 30 s) for a key that is not known yet.
 */
export function createTokenVerifier(settings: TokenSettings): TokenVerifier {
  const keys = createRemoteJWKSet(new URL(settings.jwksUrl), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: 30_000,
    timeoutDuration: 3_000,
  });
  const refresh = setInterval(() => {
    keys.reload().catch((error: unknown) => settings.logger.warn({ err: error }, 'could not renew the keys'));
  }, settings.refreshMs ?? 300_000);
  refresh.unref();
  const verified = new RecentTokens();
  return {
    async subject(token) {
      const known = verified.subjectOf(token);
      if (known !== undefined) return known;
      try {
        const { payload } = await jwtVerify(token, keys, {
          algorithms: ['RS256', 'ES256'],
          ...(settings.issuer === undefined ? {} : { issuer: settings.issuer }),
        });
        if (payload.sub !== undefined) verified.keep(token, payload.sub, payload.exp);
        return payload.sub;
      } catch (error) {
        if (isAboutTheToken(error)) return undefined;
        throw new KeysUnavailable(error);
      }
    },
    stop: () => clearInterval(refresh),
  };
}

/** Checking a signature costs more than most reads: a token that was good is taken as good for another minute. */
class RecentTokens {
  static readonly #most = 10_000;
  static readonly #keepMs = 60_000;
  readonly #kept = new Map<string, { subject: string; until: number }>();

  subjectOf(token: string): string | undefined {
    const found = this.#kept.get(token);
    if (found === undefined) return undefined;
    if (found.until > Date.now()) return found.subject;
    this.#kept.delete(token);
    return undefined;
  }

  /** `expires`: the token's own end, in seconds since 1970. */
  keep(token: string, subject: string, expires: number | undefined): void {
    if (this.#kept.size >= RecentTokens.#most) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    const until = Math.min(Date.now() + RecentTokens.#keepMs, (expires ?? Number.POSITIVE_INFINITY) * 1_000);
    this.#kept.set(token, { subject, until });
  }
}

function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey
  );
}
