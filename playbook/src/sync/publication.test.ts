import type { Extraction } from '@strangler/config';
import { fenceTrigger } from '@strangler/ledger';
import { beforeEach, describe, expect, test } from 'vitest';
import { makeSides, type Sides } from '../../../cdc/test/sides.ts';
import { prepareSide } from './prepare.ts';

const tables = 'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)';
let sides: Sides;
const prepared = (extraction: Extraction) =>
  sides.as('monolith', 'admin', (admin) => prepareSide(admin, sides.config, extraction, 'monolith'));
const fenced = () =>
  sides.monolith.query(
    'SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = $1 ORDER BY 1',
    [fenceTrigger],
  );

/** The extraction as a config that was changed since would have it. */
function changed(names: readonly string[]): Extraction {
  const [table] = sides.extraction.tables;
  if (!table) throw new Error('the extraction has a table');
  return {
    ...sides.extraction,
    tables: names.map((name) => ({
      ...table,
      monolith: { ...table.monolith, name },
      service: { ...table.service, name },
    })),
  };
}

beforeEach(async () => {
  sides = await makeSides({ monolith: tables, service: tables, tables: { t: {} } });
});

describe('preparing again with a changed config', () => {
  test('the same tables: nothing happens twice', async () => {
    await prepared(changed(['t']));
    await prepared(changed(['t']));
    expect(await fenced()).toEqual([{ name: 't' }]);
  });

  test('trap 64: a table that was never copied is refused before it gets a fence', async () => {
    await prepared(changed(['t']));
    await expect(prepared(changed(['t', 'u']))).rejects.toMatchObject({
      code: 'STAGE_WRONG',
      fact: expect.stringContaining('"public"."u"'),
    });
    expect(await fenced()).toEqual([{ name: 't' }]);
  });

  test('trap 64: a table that is followed and no longer named is refused', async () => {
    await prepared(changed(['t', 'u']));
    await expect(prepared(changed(['t']))).rejects.toMatchObject({
      code: 'STAGE_WRONG',
      fact: expect.stringMatching(/publishes: public\.u\.$/),
    });
  });
});
