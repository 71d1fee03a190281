import { describe, expect, it } from 'vitest';
import { originName, publicationName, slotName } from './index.ts';

describe('names in the catalogue', () => {
  it('trap 68: are made of the config alone, and the same every time', () => {
    expect(slotName('production', 'orders', 'forward')).toBe('strangler_production_orders_forward');
    expect(originName('eu-west', 'order-items', 'reverse')).toBe('strangler_eu_west_order_items_reverse');
    expect(publicationName('production', 'orders')).toBe('strangler_production_orders');
  });

  it('are what PostgreSQL takes for a slot, and differ, however long the words are', () => {
    const long = 'a-name-of-thirty-one-characters';
    const names = [
      slotName(long, long, 'forward'),
      slotName(long, long, 'reverse'),
      slotName(long, `${long.slice(0, -1)}z`, 'forward'),
      publicationName(long, long),
    ];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9_]{1,63}$/);
  });
});
