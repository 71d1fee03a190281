import type { Config, Extraction } from '@strangler/config';
import type { Side } from '@strangler/ledger';
import type { SqlPool } from '@strangler/postgres';
import { isHeld, type Token } from './decide/view.ts';
import { WriteMark } from './exchange/write-mark.ts';
import { WaitingRoom } from './hold/waiting-room.ts';
import type { Log } from './log.ts';
import { TokenMemory } from './tokens/memory.ts';
import { Positions } from './tokens/positions.ts';
import { type Obligation, unreachable } from './tokens/token.ts';
import { Watch } from './view/watch.ts';

/** What the facade keeps of one extraction: its view, what clients are owed, who waits, and what is in flight. */
export class Desk {
  readonly extraction: Extraction;
  readonly watch: Watch;
  readonly memory = new TokenMemory();
  readonly mark: WriteMark;
  /** Writes on hold. */
  readonly held = new WaitingRoom();
  /** Reads that wait for their own write. */
  readonly behind = new WaitingRoom();
  inFlight = 0;
  readonly #positions: Record<Side, Positions>;
  readonly #log: Log;
  #heldSoFar = 0;
  #heldRun: string | undefined;
  #floor: 'unread' | 'reading' | 'read' = 'unread';
  #floorsAsked = 0;
  #begun = false;
  #wasAlone = true;

  constructor(options: {
    id: string;
    secret: string;
    config: Config;
    extraction: Extraction;
    home: SqlPool;
    service: SqlPool;
    log: Log;
  }) {
    const { extraction, secret, home, service, log } = options;
    this.extraction = extraction;
    this.#log = log;
    this.mark = new WriteMark(secret, extraction.name);
    this.#positions = { monolith: new Positions(home), service: new Positions(service) };
    this.watch = new Watch({
      ...options,
      traffic: () => ({ inFlight: this.inFlight, held: this.#heldSoFar }),
    });
    this.watch.onChange(() => this.#changed());
  }

  /** It has a view, and knows what clients may have written before it started. */
  get ready(): boolean {
    return this.watch.view !== undefined && this.#begun;
  }

  /** What a client is owed. Until the facade has read where the owner was at its start, more than any copy has. */
  owed(client: string | undefined, cookie: Obligation | undefined): Token | undefined {
    const { view } = this.watch;
    if (!view || view.stage === 'planned') return undefined;
    if (this.#floor !== 'read') return { side: view.owner, term: view.term, position: unreachable };
    return this.memory.owed(client, cookie, Date.now());
  }

  /**
   * What a write obliges us to that the owner has answered. Never fails: if the position cannot be read, the client's
   * reads stay with the owner until every copy within the lag limit has the write.
   */
  async obligation(side: Side, term: Token['term']): Promise<Obligation> {
    try {
      return { side, term, position: await this.#positions[side].now() };
    } catch (error) {
      this.#log.warn({ extraction: this.extraction.name, side, err: error }, 'a position could not be read');
      const until = Date.now() + 2 * this.extraction.limits.lagMs + 1_000;
      return { side, term, position: unreachable, until };
    }
  }

  /** A token for everything that was acknowledged before this call, by whichever facade. */
  async ownerNow(): Promise<Token | undefined> {
    const { view } = this.watch;
    return view && (await this.obligation(view.owner, view.term));
  }

  beginWrite(): void {
    this.inFlight += 1;
  }

  endWrite(): void {
    this.inFlight -= 1;
    const { view } = this.watch;
    if (this.inFlight === 0 && view && isHeld(view, performance.now())) this.watch.reportNow();
  }

  beginHold(): void {
    this.#heldSoFar += 1;
  }

  #changed(): void {
    const { view } = this.watch;
    if (view?.hold && view.hold.run !== this.#heldRun) {
      this.#heldRun = view.hold.run;
      this.#heldSoFar = this.held.size;
    }
    // Another facade has gone, and with it what it knew of clients without cookies: they are asked for as at our start.
    if (view?.isAlone && !this.#wasAlone) this.#floor = 'unread';
    if (view) this.#wasAlone = view.isAlone;
    if (view && this.#floor === 'unread') void this.#readFloor();
    this.held.changed();
    this.behind.changed();
  }

  async #readFloor(): Promise<void> {
    const { view } = this.watch;
    if (!view) return;
    this.#floor = 'reading';
    this.#floorsAsked += 1;
    const asked = this.#floorsAsked;
    const { owner: side, term } = view;
    const position = await this.#positions[side].now().catch(() => undefined);
    if (position !== undefined) this.memory.raiseFloor({ side, term, position });
    if (asked !== this.#floorsAsked) return;
    const same = this.watch.view?.term === term;
    // Otherwise the next change tries again.
    this.#floor = position !== undefined && same ? 'read' : 'unread';
    if (this.#floor !== 'read') return;
    this.#begun = true;
    this.behind.changed();
  }
}
