import { createHash } from 'node:crypto';

/** Which way a stream goes: monolith → service, or back. */
export type Direction = 'forward' | 'reverse';
/** Who reads the slots. */
export type Engine = 'embedded' | 'debezium';
export type Side = 'monolith' | 'service';

export const otherSide = { monolith: 'service', service: 'monolith' } as const satisfies Record<Side, Side>;
export const otherDirection = { forward: 'reverse', reverse: 'forward' } as const satisfies Record<
  Direction,
  Direction
>;
export const sourceOf = { forward: 'monolith', reverse: 'service' } as const satisfies Record<
  Direction,
  Side
>;
export const targetOf = { forward: 'service', reverse: 'monolith' } as const satisfies Record<
  Direction,
  Side
>;
/** The stream that starts at this side. */
export const directionFrom = { monolith: 'forward', service: 'reverse' } as const satisfies Record<
  Side,
  Direction
>;

/** Stable names, so that no slot is ever orphaned by a host's name (trap 68). At most 63 bytes of [a-z0-9_]. */
function stableName(...parts: string[]): string {
  const plain = ['strangler', ...parts]
    .join('_')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, '_');
  if (plain.length <= 63) return plain;
  return `${plain.slice(0, 50)}_${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12)}`;
}

export function slotName(environment: string, extraction: string, direction: Direction): string {
  return stableName(environment, extraction, direction);
}

/** The replication origin under which a stream's applied transactions are marked in the receiving database. */
export function originName(environment: string, extraction: string, direction: Direction): string {
  return stableName(environment, extraction, direction);
}

export function publicationName(environment: string, extraction: string): string {
  return stableName(environment, extraction);
}

/** Name of a connector of Debezium's, and prefix of its topic. Each attempt has its own, so that none finds another's offsets (trap 84). */
export function connectorName(slot: string, attempt: string): string {
  return `${slot}_${attempt}`;
}

export const fenceTrigger = 'strangler_fence';
/** NOTIFY channel in both databases; payload: JSON of `Notice`. */
export const channel = 'strangler';
