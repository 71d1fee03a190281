import { parseConfig } from '@strangler/config';
import type { Checkpoint, Epoch, FacadeState } from '@strangler/ledger';
import { parseLsn } from '@strangler/postgres';
import { describe, expect, it } from 'vitest';
import { acceptable, type GateName, gateNames, gates } from './gates.ts';
import type { Observed } from './observe.ts';

const service = { url: 'http://x', database: 'postgresql://x/x' };
const [extraction] = parseConfig(
  {
    environment: 'x',
    monolith: service,
    extractions: { orders: { service, tables: {}, limits: { lag: '2s' } } },
  },
  'x.ts',
).extractions;
if (!extraction) throw new Error('the config has an extraction');
const { limits } = extraction;

const stream: Checkpoint = {
  direction: 'forward',
  slot: 'strangler_x_orders_forward',
  applied: parseLsn('0/1000'),
  commitTime: null,
  lagBytes: 0n,
  lagMs: 12,
  sourceEpoch: 1n as Epoch,
  sourceState: 'open',
  lease: 3n,
  pid: 1,
  holder: 'cdc@host',
  ageMs: 40,
  engine: 'embedded',
  attempt: null,
  bookmark: null,
  stopped: null,
};
const facade: FacadeState = {
  id: 'f1',
  epoch: 1n as Epoch,
  hold: null,
  inFlight: 3,
  held: 0,
  expired: false,
};

/** Everything as it must be. */
const good: Observed = {
  to: 'service',
  stage: 'following',
  monolith: undefined,
  service: undefined,
  carrying: stream,
  opposite: { ...stream, direction: 'reverse' },
  unfenced: [],
  unfollowed: [],
  prepared: [],
  subscribed: [],
  violations: 0,
  facades: [facade, { ...facade, id: 'f0', expired: true }],
  verified: { verdict: 'equal', ageMs: 61_000 },
  cascades: [],
  standbys: 'ANY 1 (a, b)',
  plan: [],
};

/** What isn't ok, as a person reads it. */
const said = (change: Partial<Observed>) =>
  gates({ ...good, ...change }, limits, 'orders')
    .filter((gate) => gate.level !== 'ok')
    .map((gate) => `${gate.level} ${gate.name}: ${gate.fact}. ${gate.remedy}`)
    .join('\n');

/** Each gate closed, once for each reason. */
const closed: readonly [GateName, string, Partial<Observed>][] = [
  ['stream', 'was never made', { carrying: undefined }],
  [
    'stream',
    'stands still',
    { carrying: { ...stream, stopped: 'ROW_MISSING: the update of 7 found no row.' } },
  ],
  ['stream', 'has no sink', { carrying: { ...stream, holder: null } }],
  ['stream', 'has a sink that is silent', { carrying: { ...stream, ageMs: 3_000 } }],
  ['opposite-stream', 'was never made', { opposite: undefined }],
  ['opposite-stream', 'stands still', { opposite: { ...stream, stopped: 'SLOT_LOST: the slot is gone.' } }],
  ['lag', 'is over the limit', { carrying: { ...stream, lagMs: 1_950, ageMs: 51 } }],
  ['fence', 'is not on a table', { unfenced: ['shop.orders', 'shop."Order Items"'] }],
  ['tables', 'are others than those followed', { unfollowed: ['shop.refunds'] }],
  ['prepared', 'transactions are there', { prepared: ['gid-1', 'gid-2'] }],
  ['subscription', 'writes a table', { subscribed: ['shop.orders'] }],
  ['violations', 'are open', { violations: 2 }],
  ['verified', 'never', { verified: undefined }],
  ['verified', 'and different', { verified: { verdict: 'different', ageMs: 5_000 } }],
  ['verified', 'and indeterminate', { verified: { verdict: 'indeterminate', ageMs: 5_000 } }],
  ['verified', 'too long ago', { verified: { verdict: 'equal', ageMs: 24 * 3_600_000 + 1 } }],
  ['facades', 'are none', { facades: [] }],
  ['facades', 'are gone', { facades: [{ ...facade, expired: true }] }],
];

describe('the gates', () => {
  it('are all open, in their order, when everything is as it must be', () => {
    const judged = gates(good, limits, 'orders');
    expect(judged.map((gate) => gate.name)).toEqual(gateNames);
    expect(judged.filter((gate) => gate.level !== 'ok')).toEqual([]);
  });

  it('close one by one: each for its own reason, with the fact and the remedy', () => {
    const facts = Object.fromEntries(closed.map(([name, why, change]) => [`${name} ${why}`, said(change)]));
    expect(facts).toMatchInlineSnapshot(`
      {
        "facades are gone": "closed facades: 0 facades are up. Start a facade, or accept the gate if nothing routes to this extraction.",
        "facades are none": "closed facades: 0 facades are up. Start a facade, or accept the gate if nothing routes to this extraction.",
        "fence is not on a table": "closed fence: tables without a fence: shop.orders, shop."Order Items". Run \`strangler sync orders\` again: it installs what is missing.",
        "lag is over the limit": "closed lag: the service's copy is 2001 ms behind, limit 2000 ms. Wait until it has caught up.",
        "opposite-stream stands still": "closed opposite-stream: the stream back stands still: SLOT_LOST: the slot is gone. Start \`strangler serve cdc\`, or see its log.",
        "opposite-stream was never made": "closed opposite-stream: the stream back does not exist. Start \`strangler serve cdc\`, or see its log.",
        "prepared transactions are there": "closed prepared: prepared transactions: gid-1, gid-2. COMMIT PREPARED or ROLLBACK PREPARED them.",
        "stream has a sink that is silent": "closed stream: the stream towards the service is not up: its sink wrote last 3000 ms ago. Start \`strangler serve cdc\`, or see its log.
      closed lag: the service's copy is 3012 ms behind, limit 2000 ms. Wait until it has caught up.",
        "stream has no sink": "closed stream: the stream towards the service is not up: its sink wrote last 40 ms ago. Start \`strangler serve cdc\`, or see its log.",
        "stream stands still": "closed stream: the stream towards the service stands still: ROW_MISSING: the update of 7 found no row. Start \`strangler serve cdc\`, or see its log.",
        "stream was never made": "closed stream: the stream towards the service does not exist. Start \`strangler serve cdc\`, or see its log.
      closed lag: how far the service's copy is behind is not known. Wait until it has caught up.",
        "subscription writes a table": "closed subscription: tables written by a native subscription, which no fence stops: shop.orders. Drop the tables from it.",
        "tables are others than those followed": "closed tables: tables that the config names and the streams do not carry, or the reverse: shop.refunds. Put the config back, or run \`strangler cancel orders\` and \`strangler sync orders\`.",
        "verified and different": "closed verified: the last verification said different, 5 s ago. Run \`strangler verify orders\`.",
        "verified and indeterminate": "closed verified: the last verification said indeterminate, 5 s ago. Run \`strangler verify orders\`.",
        "verified never": "closed verified: not verified since the last sync or switch. Run \`strangler verify orders\`.",
        "verified too long ago": "closed verified: the last verification said equal, 86400 s ago. Run \`strangler verify orders\`.",
        "violations are open": "closed violations: 2 rows got past the fence. Look at strangler.violation, bring the rows over by hand, and set resolved_at.",
      }
    `);
  });

  it.each(closed)('%s %s closes that gate', (name, _, change) => {
    const judged = gates({ ...good, ...change }, limits, 'orders');
    const shut = judged.filter((gate) => gate.level === 'closed').map((gate) => gate.name);
    // A stream that isn't there or is silent is behind, too.
    expect(name === 'stream' ? shut.filter((each) => each !== 'lag') : shut).toEqual([name]);
  });

  it('has a case above for every gate that can close, and the others only note', () => {
    const notes = { cascades: ['shop.users → shop.orders'], standbys: '' };
    expect(said(notes)).toMatchInlineSnapshot(`
      "note cascades: deletes there will be refused, because they cascade into the tables: shop.users → shop.orders. Drop the foreign key, and delete through the owner.
      note standby: no synchronous standby: a standby promoted without the decision forgets it. Name one in synchronous_standby_names if you fail over."
    `);
    expect(new Set([...closed.map(([name]) => name), 'cascades', 'standby'])).toEqual(new Set(gateNames));
  });

  it('lets a lag right at the limit pass', () => {
    expect(said({ carrying: { ...stream, lagMs: 1_950, ageMs: 50 } })).toBe('');
  });

  it('never lets a person accept what protects data', () => {
    expect([...acceptable].toSorted()).toEqual([
      'facades',
      'lag',
      'opposite-stream',
      'verified',
      'violations',
    ]);
  });
});
