/** A JSON value in which no digit is lost: integers that a double cannot hold are bigints (Debezium writes int8 as numbers). */
export type Json = null | boolean | string | number | bigint | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
