import type { Journal } from '../journal.ts';
import { Dice } from './dice.ts';
import { type Job, pace } from './pace.ts';
import { ShopClient } from './shop-client.ts';
import type { Shopper } from './shopper.ts';
import type { Traffic } from './traffic.ts';
import * as visits from './visits.ts';

/** What shoppers do, how often, and with how many requests; of 100 requests, 62 are orders and 28 look at one. */
const habits = [
  { weight: 27.5, cost: 1, visit: visits.order },
  { weight: 23, cost: 2, visit: visits.orderAndReadBack },
  { weight: 6, cost: 2, visit: visits.orderTwice },
  { weight: 0.5, cost: 1, visit: visits.orderInVain },
  { weight: 3, cost: 1, visit: visits.list },
  { weight: 2, cost: 1, visit: visits.invoice },
  { weight: 1.5, cost: 1, visit: visits.account },
  { weight: 1, cost: 2, visit: visits.cancel },
  { weight: 1, cost: 1, visit: visits.settle },
  { weight: 1.5, cost: 1, visit: visits.browse },
  { weight: 1.5, cost: 1, visit: visits.quote },
  { weight: 0.3, cost: 1, visit: visits.report },
  { weight: 0.4, cost: 1, visit: visits.login },
] as const;

const registrations = { weight: 0.2, cost: 2 };

/** All shoppers together. */
export class Crowd {
  readonly #shop: visits.Shop;
  readonly #free: Shopper[] = [];
  readonly #leaving = new AbortController();
  #pacing: Promise<void> | undefined;
  #left: Promise<void> | undefined;
  #registered = 0;
  /** Visits that nobody was free for. */
  missed = 0;

  constructor(facade: string, journal: Journal, traffic: Traffic) {
    this.#shop = { client: new ShopClient(facade, traffic), journal, traffic, dice: new Dice(20_260_801) };
  }

  /** Logs the first shoppers in, eight at a time, so that their passwords don't stop the shop. */
  async arrive(count: number): Promise<void> {
    const emails = Array.from({ length: count }, (_, index) => `user${index + 1}@example.test`);
    const logIn = async () => {
      for (let email = emails.pop(); email !== undefined; email = emails.pop()) {
        const cookies = this.#free.length % 2 === 0 ? new Map<string, string>() : undefined;
        const session = await visits.openSession(this.#shop, email, cookies);
        if (session) this.#free.push({ email, ...session, cookies, placed: [] });
      }
    };
    await Promise.all(Array.from({ length: 8 }, logIn));
  }

  /** Starts shopping, at a rate of requests a second. */
  start(ratePerSecond: number): void {
    this.#pacing = pace(
      () => this.#next(),
      () => ratePerSecond,
      this.#leaving.signal,
    );
  }

  /** No new visits; waits for those under way. Safe to call again. */
  leave(): Promise<void> {
    this.#left ??= this.#leave();
    return this.#left;
  }

  async #leave(): Promise<void> {
    this.#leaving.abort();
    await this.#pacing;
    await this.#shop.client.close();
  }

  #next(): Job | undefined {
    const { dice } = this.#shop;
    if (dice.next() * 70 < registrations.weight)
      return { cost: registrations.cost, run: () => this.#register() };
    const index = dice.between(0, this.#free.length - 1);
    const shopper = this.#free[index];
    if (shopper === undefined) {
      this.missed += 1;
      return undefined;
    }
    // The last one takes the place of the one that is busy now.
    const last = this.#free.pop();
    if (last !== undefined && last !== shopper) this.#free[index] = last;
    const { cost, visit } = dice.weighted<{
      weight: number;
      cost: number;
      visit: (typeof habits)[number]['visit'];
    }>(habits);
    return { cost, run: () => this.#visit(shopper, visit) };
  }

  async #visit(shopper: Shopper, visit: (typeof habits)[number]['visit']): Promise<void> {
    try {
      await visit(this.#shop, shopper);
    } catch (error) {
      // An answer that is no order, list or session is as bad as none.
      this.#shop.traffic.fail({
        step: this.#shop.traffic.step,
        route: visit.name,
        status: -1,
        said: String(error).slice(0, 300),
      });
    }
    this.#free.push(shopper);
  }

  async #register(): Promise<void> {
    this.#registered += 1;
    const newcomer = await visits.register(
      this.#shop,
      `demo-${process.pid}-${this.#registered}@example.test`,
    );
    if (newcomer) this.#free.push(newcomer);
  }
}
