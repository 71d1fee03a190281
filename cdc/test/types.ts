/** A type that a column may have, with the values in which a conversion would err. */
export interface TypeCase {
  /** The column's name. */
  readonly name: string;
  readonly type: string;
  /** Texts that PostgreSQL reads as the type; NULL is tried with each. */
  readonly values: readonly string[];
  /** SQL of a value that is too large to stay in its row, if the type has such. */
  readonly large?: string;
  /** What a CHECK constraint must exclude, so that Debezium carries the column. */
  readonly check?: string;
}

/** Digits that do not compress, so that a value is stored outside its row. */
export const noise = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) n)";
/** 4,000 different ones. */
export const numbersOf = (type: string) =>
  `(SELECT array_agg((n * 7919 % 32749)::${type}) FROM generate_series(1, 4000) n)`;
/** 2,000 elements by an expression over n. */
export const of = (expression: string) => `(SELECT array_agg(${expression}) FROM generate_series(1, 2000) n)`;

/** Made once before the tables, in both databases. */
export const typesSql = `
  CREATE EXTENSION citext;
  CREATE EXTENSION hstore;
  CREATE EXTENSION ltree;
  CREATE TYPE mood AS ENUM ('sad', 'so so', 'O''K, "fine"');
  CREATE TYPE pair AS (a int, b text);
  CREATE TYPE floatrange AS RANGE (subtype = float8);
  CREATE DOMAIN word AS text CHECK (VALUE <> 'never');
  CREATE DOMAIN cents AS bigint;
  CREATE DOMAIN price AS numeric(12,2);
  CREATE DOMAIN moment AS timestamptz;
  CREATE DOMAIN birthday AS date;
  CREATE DOMAIN bits AS bit(9);
  CREATE DOMAIN raw AS bytea;
  CREATE DOMAIN doc AS jsonb;
  CREATE DOMAIN ident AS uuid;
  CREATE DOMAIN span AS interval;
  CREATE DOMAIN yes AS boolean;
  CREATE DOMAIN ratio AS float8;
  CREATE DOMAIN words AS text[];
  CREATE DOMAIN address AS inet;
  CREATE DOMAIN place AS point;
  CREATE DOMAIN clock AS time;`;
