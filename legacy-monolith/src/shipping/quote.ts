/** What sending a parcel costs: money as a decimal string, time in working days. */
export interface Quote {
  country: string;
  weight: number;
  price: string;
  days: number;
}

interface Zone {
  baseCents: number;
  centsPerKg: number;
  days: number;
}

const HOME: Zone = { baseCents: 390, centsPerKg: 160, days: 2 };
const EUROPE: Zone = { baseCents: 790, centsPerKg: 240, days: 4 };
const WORLD: Zone = { baseCents: 1490, centsPerKg: 650, days: 9 };

const EUROPEAN = new Set(
  'AT BE BG CH CY CZ DK EE ES FI FR GB GR HR HU IE IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(' '),
);

/**
 * The price of a parcel to a country.
 * @param weight kilograms, above 0 and at most 1000
 * @param country two letters; one that we don't list is in the zone "world"
 */
export function quoteShipping(weight: number, country: string): Quote {
  const zone = zoneOf(country);
  const grams = Math.round(weight * 1000);
  const cents = zone.baseCents + Math.ceil((grams * zone.centsPerKg) / 1000);
  return { country, weight, price: (cents / 100).toFixed(2), days: zone.days };
}

function zoneOf(country: string): Zone {
  if (country === 'DE') return HOME;
  return EUROPEAN.has(country) ? EUROPE : WORLD;
}
