import { type Queryable, sqlState } from './database.ts';

/** Raised by the database when this side may not write the tables that it was asked to write. */
export const NOT_OWNER = 'SF001';
const UNDEFINED_FUNCTION = '42883';
const INVALID_SCHEMA_NAME = '3F000';

export type OwnershipCheck = () => Promise<boolean>;

/**
 * Whether this service may write its tables at present. Its database says so by `strangler.is_owner(text)`; a
 * database without that function belongs to nobody else, so the service owns.
 *
 * The answer can be outdated a moment later: it spares work, and the database's own refusal decides.
 */
export function createOwnershipCheck(database: Queryable, extraction: string): OwnershipCheck {
  let present = false;
  return async () => {
    if (!present) present = await functionExists(database);
    if (!present) return true;
    try {
      const { rows } = await database.query<{ owner: boolean }>(
        'select strangler.is_owner($1) is true as owner',
        [extraction],
      );
      return rows[0]?.owner === true;
    } catch (error) {
      const state = sqlState(error);
      if (state !== UNDEFINED_FUNCTION && state !== INVALID_SCHEMA_NAME) throw error;
      present = false;
      return true;
    }
  };
}

async function functionExists(database: Queryable): Promise<boolean> {
  const { rows } = await database.query<{ present: boolean }>(
    "select to_regprocedure('strangler.is_owner(text)') is not null as present",
  );
  return rows[0]?.present === true;
}
