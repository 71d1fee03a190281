import type { Answer } from '@shop/service-kit';
import { z } from 'zod';
import { parseInput } from './input.ts';

interface Zone {
  baseCents: number;
  centsPerKg: number;
  /** Working days. */
  days: number;
}

const HOME: Zone = { baseCents: 390, centsPerKg: 160, days: 2 };
const EUROPE: Zone = { baseCents: 790, centsPerKg: 240, days: 4 };
const WORLD: Zone = { baseCents: 1490, centsPerKg: 650, days: 9 };

const EUROPEAN = new Set(
  'AT BE BG CH CY CZ DK EE ES FI FR GB GR HR HU IE IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(' '),
);

const parcel = z.object({
  weight: z
    .string()
    .regex(/^\d{1,4}(\.\d{1,3})?$/, 'kilograms, with at most three decimals')
    .transform(Number)
    .pipe(z.number().positive().max(1000)),
  country: z
    .string()
    .regex(/^[A-Za-z]{2}$/, 'a country code of two letters')
    .transform((code) => code.toUpperCase()),
});

/** Answers what sending a parcel costs, or 400. Needs no table. */
export function shippingQuote(query: unknown): Answer {
  const input = parseInput(parcel, query);
  if (!input.ok) return input.answer;
  const { weight, country } = input.value;
  const zone = zoneOf(country);
  const grams = Math.round(weight * 1000);
  const cents = zone.baseCents + Math.ceil((grams * zone.centsPerKg) / 1000);
  return { status: 200, body: { country, weight, price: (cents / 100).toFixed(2), days: zone.days } };
}

function zoneOf(country: string): Zone {
  if (country === 'DE') return HOME;
  return EUROPEAN.has(country) ? EUROPE : WORLD;
}
