import { pause } from '@strangler/errors';
import { type Databases, ownerNow, readHoldings, readKeys, readOrders, type Side } from './databases.ts';
import type { Journal } from './journal.ts';
import { conservation, type Holdings, judge } from './judge.ts';
import type { PastHttp } from './past-http.ts';

/** What the databases say about the whole run. */
export interface Findings {
  lost: string[];
  duplicated: string[];
  imbalances: string[];
}

/**
 * Holds the journal against both databases, and stock and money against the owner's orders. What is still on its way
 * (the other side's copy, a compensation that a killed service left to its successor) gets up to `settleMs`.
 */
export async function check(of: {
  databases: Databases;
  journal: Journal;
  pastHttp: PastHttp;
  before: Holdings;
  seededUpTo: number;
  /** Whether the extraction was synced; before, the monolith owns without saying so. */
  synced: boolean;
  settleMs: number;
}): Promise<Findings> {
  const end = performance.now() + of.settleMs;
  for (;;) {
    const found = await look(of);
    const clean = found.lost.length + found.duplicated.length + found.imbalances.length === 0;
    if (clean || performance.now() > end) return found;
    await pause(500);
  }
}

async function look(of: Parameters<typeof check>[0]): Promise<Findings> {
  const owner = of.synced ? await ownerNow(of.databases) : 'monolith';
  if (owner === undefined) return { lost: ['nobody owns the orders'], duplicated: [], imbalances: [] };
  const sides: Side[] = owner === 'service' ? ['service', 'monolith'] : ['monolith'];
  const lost: string[] = [];
  const duplicated: string[] = [];
  for (const side of sides) {
    const [orders, keys] = await Promise.all([
      readOrders(of.databases, side, of.seededUpTo),
      readKeys(of.databases, side, of.seededUpTo),
    ]);
    const verdict = judge(of.journal, orders, keys);
    lost.push(...verdict.lost.map((fact) => `${side}: ${fact}`));
    duplicated.push(...verdict.duplicated.map((fact) => `${side}: ${fact}`));
    lost.push(...(await of.pastHttp.lost(of.databases, side)).map((fact) => `${side}: ${fact}`));
  }
  const orders = await readOrders(of.databases, owner, of.seededUpTo);
  const imbalances = conservation(of.before, await readHoldings(of.databases), orders);
  return { lost, duplicated, imbalances };
}
