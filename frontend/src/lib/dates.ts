// Days are whole numbers of days since 1970-01-01, local to the country: no zone, no clock.

import { digits, latin } from './text';

export type Day = number;
export type Bars = 'day' | 'week' | 'month' | 'year';
export const BARS: readonly Bars[] = ['day', 'week', 'month', 'year'];

const MS = 864e5;
const ENGLISH = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
let MONTHS: readonly string[] = ENGLISH;
/** setMonths says how the months of the Gregorian calendar are called, January first; null for English. */
export function setMonths(names: readonly string[] | null): void {
  MONTHS = names ?? ENGLISH;
}

/** ymd gives the day of a year, a month from 1 to 12 and a day of the month; it carries over like a calendar. */
export const ymd = (y: number, m: number, d: number): Day => Math.round(Date.UTC(y, m - 1, d) / MS);

/** parts gives year, month from 1 to 12 and day of the month. */
export function parts(day: Day): { y: number; m: number; d: number } {
  const x = new Date(day * MS);
  return { y: x.getUTCFullYear(), m: x.getUTCMonth() + 1, d: x.getUTCDate() };
}

const pad = (n: number, w = 2) => String(n).padStart(w, '0');

/** iso writes a day as YYYY-MM-DD. */
export function iso(day: Day): string {
  const { y, m, d } = parts(day);
  return `${pad(y, 4)}-${pad(m)}-${pad(d)}`;
}

/** parseIso reads YYYY-MM-DD; null when it is no such day. */
export function parseIso(text: string): Day | null {
  const m = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!m) return null;
  const day = ymd(+m[1]!, +m[2]!, +m[3]!);
  return iso(day) === text ? day : null;
}

// Keyboards of other languages have their own yeh and kaf.
const plain = (w: string) =>
  latin(w)
    .replace(/[\u200e\u200f\u2066-\u2069]/g, '')
    .replace(/[يى]/g, 'ی')
    .replace(/ك/g, 'ک')
    .toLowerCase();

/**
 * parseDate reads what people type: 2009-03-01, 1 Mar 2009, March 2009, 2009-03, 2009; months in English or in the
 * language of the page, digits of either kind. A month or a year stands for its first day, or with `end` for its last.
 */
export function parseDate(text: string, end = false): Day | null {
  const s = plain(text).trim().replace(/\s+/g, ' ');
  const exact = parseIso(s);
  if (exact !== null) return exact;
  const month = (w: string) =>
    ENGLISH.findIndex((n) => w.startsWith(n.toLowerCase())) + 1 || MONTHS.findIndex((n) => plain(n) === w) + 1;
  let m = /^(\d{1,2}) (\p{L}{2,12})\.? (\d{4})$/u.exec(s);
  if (m) {
    const mo = month(m[2]!);
    const day = ymd(+m[3]!, mo, +m[1]!);
    return mo && parts(day).m === mo ? day : null;
  }
  const whole = (y: number, mo: number) => (end ? ymd(y, mo + 1, 1) - 1 : ymd(y, mo, 1));
  m = /^(\p{L}{2,12})\.? (\d{4})$/u.exec(s);
  if (m) return month(m[1]!) ? whole(+m[2]!, month(m[1]!)) : null;
  m = /^(\d{4})-(\d\d)$/.exec(s);
  if (m) return +m[2]! >= 1 && +m[2]! <= 12 ? whole(+m[1]!, +m[2]!) : null;
  m = /^(\d{4})$/.exec(s);
  if (m) return end ? ymd(+m[1]! + 1, 1, 1) - 1 : ymd(+m[1]!, 1, 1);
  return null;
}

/** fmtDay writes "1 Jan 2009". */
export function fmtDay(day: Day): string {
  const { y, m, d } = parts(day);
  return digits(`${d} ${MONTHS[m - 1]} ${y}`);
}
/** fmtShort writes "1 Jan". */
export function fmtShort(day: Day): string {
  const { m, d } = parts(day);
  return digits(`${d} ${MONTHS[m - 1]}`);
}
/** fmtMonth writes "Jan 2009". */
export function fmtMonth(day: Day): string {
  const { y, m } = parts(day);
  return digits(`${MONTHS[m - 1]} ${y}`);
}
export const monthName = (m: number) => MONTHS[m - 1]!;

/** fmtRange writes a closed range as shortly as it stays clear: "11–12 Oct 2025", "1 Jan – 31 Mar 2009". */
export function fmtRange(a: Day, b: Day): string {
  if (a === b) return fmtDay(a);
  const p = parts(a);
  const q = parts(b);
  if (p.y === q.y && p.m === q.m) return digits(`${p.d}–${q.d} ${MONTHS[p.m - 1]} ${p.y}`);
  if (p.y === q.y) return `${fmtShort(a)} – ${fmtDay(b)}`;
  return `${fmtDay(a)} – ${fmtDay(b)}`;
}

/** barStart gives the first day of the bar that a day lies in; weeks begin on Monday. */
export function barStart(day: Day, bars: Bars): Day {
  if (bars === 'day') return day;
  if (bars === 'week') return day - ((((day + 3) % 7) + 7) % 7);
  const { y, m } = parts(day);
  return bars === 'month' ? ymd(y, m, 1) : ymd(y, 1, 1);
}

/** addBars moves a bar's first day by n bars, forwards or backwards. */
export function addBars(start: Day, n: number, bars: Bars): Day {
  if (bars === 'day') return start + n;
  if (bars === 'week') return start + 7 * n;
  const { y, m } = parts(start);
  return bars === 'month' ? ymd(y, m + n, 1) : ymd(y + n, 1, 1);
}

/** edges gives the first days of all bars that touch [a, b], and one more: the day after the last bar. */
export function edges(a: Day, b: Day, bars: Bars): Int32Array {
  const out: number[] = [];
  let d = barStart(a, bars);
  while (d <= b) {
    out.push(d);
    d = addBars(d, 1, bars);
  }
  out.push(d);
  return Int32Array.from(out);
}

/** barIndex finds the bar of a day in edges(); -1 when it lies outside. */
export function barIndex(e: Int32Array, day: Day): number {
  if (day < e[0]! || day >= e[e.length - 1]!) return -1;
  let lo = 0;
  let hi = e.length - 2;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (e[mid]! <= day) lo = mid;
    else hi = mid - 1;
  }
  return lo;
}
