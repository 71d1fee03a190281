import { type Json, JsonNumber, showJson } from './json.ts';
import { IdPairs, type Rule, ruleFor } from './rules.ts';

/** One place where two answers are not alike. */
export interface Difference {
  /** Where: `status`, `header content-type`, or a path in the body like `$.items[0].unitPrice`. */
  path: string;
  /** JSON text of either side's value, or `nothing`. */
  left: string;
  right: string;
}

/**
 * Every place where two JSON values differ. The order of an object's keys and the notation of a number mean nothing;
 * the order of an array does.
 */
export function compareJson(
  left: Json,
  right: Json,
  rules: readonly Rule[] = [],
  ids: IdPairs = new IdPairs(),
): Difference[] {
  const differences: Difference[] = [];
  compareAt('$', left, right, { rules, ids, differences });
  return differences;
}

interface Comparison {
  rules: readonly Rule[];
  ids: IdPairs;
  differences: Difference[];
}

function compareAt(path: string, left: Json | undefined, right: Json | undefined, to: Comparison): void {
  if (left !== undefined && right !== undefined) {
    const rule = ruleFor(to.rules, path);
    if (rule !== undefined && allowed(rule, left, right, to.ids)) return;
    if (rule === undefined && Array.isArray(left) && Array.isArray(right)) {
      const length = Math.max(left.length, right.length);
      for (let i = 0; i < length; i += 1) compareAt(`${path}[${i}]`, left[i], right[i], to);
      return;
    }
    if (rule === undefined && isObject(left) && isObject(right)) {
      for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
        compareAt(`${path}${member(key)}`, own(left, key), own(right, key), to);
      }
      return;
    }
    if (rule === undefined && sameScalar(left, right)) return;
  }
  to.differences.push({ path, left: showJson(left), right: showJson(right) });
}

function allowed(rule: Rule, left: Json, right: Json, ids: IdPairs): boolean {
  switch (rule.as) {
    case 'any':
      return true;
    case 'id': {
      const [a, b] = [scalarText(left), scalarText(right)];
      if (a === undefined || b === undefined || typeof left !== typeof right) return false;
      const shared =
        rule.sameUpTo !== undefined && (Number(a) <= rule.sameUpTo || Number(b) <= rule.sameUpTo);
      return shared ? a === b : ids.agree(a, b);
    }
    case 'time': {
      if (typeof left !== 'string' || typeof right !== 'string') return false;
      if (timeForm(left) === undefined || timeForm(left) !== timeForm(right)) return false;
      return rule.sameBefore === undefined || left >= rule.sameBefore || left === right;
    }
  }
}

function scalarText(value: Json): string | undefined {
  if (value instanceof JsonNumber) return value.canonical === '0' ? '0' : value.source;
  return typeof value === 'string' ? value : undefined;
}

/** What a moment looks like once its digits are masked: how many of them, which separators, which zone. */
function timeForm(text: string): string | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  return text.replace(/\d/g, '0');
}

function sameScalar(left: Json, right: Json): boolean {
  if (left instanceof JsonNumber && right instanceof JsonNumber) return left.canonical === right.canonical;
  return left === right;
}

function isObject(value: Json): value is { [key: string]: Json } {
  return (
    value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof JsonNumber)
  );
}

function own(object: { [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function member(key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
