import type { Token } from '../decide/view.ts';
import { BoundedMap } from './bounded-map.ts';
import { later, type Obligation } from './token.ts';

/**
 * What clients without cookies are owed, by their identity, for one extraction. Bounded: what is forgotten is owed to
 * everybody from then on, which costs a little freshness of copies and never misses a write.
 */
export class TokenMemory {
  #floor: Obligation | undefined;
  readonly #byClient: BoundedMap<string, Obligation>;

  constructor(limit = 50_000) {
    this.#byClient = new BoundedMap(limit, (_client, obligation) => this.raiseFloor(obligation));
  }

  /** Everybody is owed at least this: after its own start a facade treats every client as if it had just written. */
  raiseFloor(obligation: Obligation): void {
    this.#floor = later(this.#floor, obligation);
  }

  note(client: string, obligation: Obligation): void {
    const known = this.#byClient.get(client);
    const lasting = known?.until === undefined ? known : undefined;
    this.#byClient.set(client, later(lasting, obligation) ?? obligation);
  }

  /** What is owed to a client, its cookie's word included. `now`: ms since 1970. */
  owed(client: string | undefined, cookie: Obligation | undefined, now: number): Token | undefined {
    const noted = client === undefined ? undefined : this.#byClient.get(client);
    return later(later(inForce(noted, now), inForce(cookie, now)), inForce(this.#floor, now));
  }
}

function inForce(obligation: Obligation | undefined, now: number): Obligation | undefined {
  return obligation?.until !== undefined && obligation.until <= now ? undefined : obligation;
}
