/** PostgreSQL's dates and times (ISO, UTC) in the ISO form that Debezium writes with `time.precision.mode=isostring`. */

/** Debezium has no infinite dates: these stand for them. */
const infiniteDate = { infinity: '-5877611-06-21Z', '-infinity': '-5877611-06-22Z' };
const infiniteTimestamp = {
  infinity: '+294247-01-10T04:00:25.2Z',
  '-infinity': '-290308-12-21T19:59:27.6Z',
};

export function isoDate(text: string): string {
  return infinite(infiniteDate, text) ?? `${yearFirst(text.replace(' BC', ''), text.endsWith(' BC'))}Z`;
}

/** A timestamp without a zone; only as many digits of a second as count. */
export function isoTimestamp(text: string): string {
  return infinite(infiniteTimestamp, text) ?? `${dayAndTime(text)}Z`;
}

/** A timestamp with a zone, which our connections print in UTC: six digits of a second. */
export function isoTimestampWithZone(text: string): string {
  if (text === 'infinity' || text === '-infinity') return text;
  const [whole, fraction = ''] = dayAndTime(text.replace('+00', '')).split('.');
  return `${whole}.${fraction.padEnd(6, '0')}Z`;
}

/** 24:00 becomes 00:00, as it does there. */
export function isoTime(text: string): string {
  return `${text.replace(/^24:/, '00:')}Z`;
}

/** A time with a zone, in UTC. */
export function isoTimeWithZone(text: string): string {
  const [
    ,
    hours,
    minutes,
    seconds,
    fraction = '',
    sign,
    offsetHours,
    offsetMinutes = '0',
    offsetSeconds = '0',
  ] = /^(\d+):(\d+):(\d+)(\.\d+)?([+-])(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text) ?? [];
  const offset = Number(offsetHours) * 3_600 + Number(offsetMinutes) * 60 + Number(offsetSeconds);
  const local = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  const utc = (local + (sign === '+' ? -offset : offset) + 2 * 86_400) % 86_400;
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${two(utc / 3_600)}:${two((utc / 60) % 60)}:${two(utc % 60)}${fraction}Z`;
}

/** `1 year 2 mons -3 days +04:05:06.789` as `P1Y2M-3DT4H5M6.789S`: every part has its sign, and all are there. */
export function isoInterval(text: string): string {
  const part = (unit: string) => Number(new RegExp(`(-?\\d+) ${unit}`).exec(text)?.[1] ?? 0);
  const [, sign = '', hours = '0', minutes = '0', seconds = '0', fraction = ''] =
    /([+-]?)(\d+):(\d+):(\d+)(\.\d+)?/.exec(text) ?? [];
  const signed = (value: string | number) => (sign === '-' && Number(value) !== 0 ? `-${value}` : `${value}`);
  const digits = fraction.replace(/0+$/, '').replace(/^\.$/, '');
  return `P${part('year')}Y${part('mon')}M${part('day')}DT${signed(Number(hours))}H${signed(Number(minutes))}M${signed(`${Number(seconds)}${digits}`)}S`;
}

function dayAndTime(text: string): string {
  const bc = text.endsWith(' BC');
  const [day = '', time = ''] = text.replace(' BC', '').split(' ');
  return `${yearFirst(day, bc)}T${time}`;
}

/** The year as astronomers count, where 1 BC is 0; beyond four digits with its sign. */
function yearFirst(day: string, bc: boolean): string {
  const [year = '', ...rest] = day.split('-');
  const number = bc ? 1 - Number(year) : Number(year);
  const digits = String(Math.abs(number)).padStart(4, '0');
  const sign = number < 0 ? '-' : number > 9_999 ? '+' : '';
  return [`${sign}${digits}`, ...rest].join('-');
}

function infinite(names: { infinity: string; '-infinity': string }, text: string): string | undefined {
  return text === 'infinity' || text === '-infinity' ? names[text] : undefined;
}
