// How an incident is put into words. Words of ours are neutral; a source's headline stands in quotation marks.
import type { Incident } from '../api/client';
import { type Day, fmtDay, fmtMonth, fmtRange, parseIso, parts } from '../lib/dates';
import { t } from '../lib/strings.en';
import { digits, isolate } from '../lib/text';
import { NO_TYPE, precisionClass, typeIndex } from '../lib/vocab';

const squeeze = (s: string) => s.replace(/\s+/g, ' ').trim();

/** isHeadline: the summary is the title of one of the sources, so it is theirs and not ours. */
export function isHeadline(p: Incident): boolean {
  const s = squeeze(p.summary ?? '').toLowerCase();
  return !!s && (p.sources ?? []).some((x) => squeeze(x.title ?? '').toLowerCase() === s);
}

/** autoTitle is for incidents without words of their own: type, actors, place. */
export function autoTitle(p: Incident): string {
  const k = typeIndex(p.event_type);
  const noun = t.typeNoun[k < 0 ? NO_TYPE : k]!;
  const actors = [p.actor1, p.actor2]
    .filter((a): a is string => !!a)
    .map((a) => isolate(squeeze(a.replace(/^Government of /, ''))));
  const who = actors.length ? `: ${actors.join(' – ')}` : '';
  const where = p.location_name || p.district || p.province || '';
  return `${noun}${who}${where ? `${t.comma}${isolate(squeeze(where))}` : ''}`;
}

/** Longer texts are notes, not titles. */
const LONGEST = 160;

function firstSentence(s: string): string | null {
  const m = /^(.{20,160}?)[.!?]\s+(?=\p{Lu})/u.exec(s);
  return m ? m[1]! : null;
}

export function title(p: Incident): string {
  const s = squeeze(p.summary ?? '');
  if (isHeadline(p) && s.length <= LONGEST) return `${t.quotes[0]}${s}${t.quotes[1]}`;
  if (s && s.length <= LONGEST) return s;
  const first = firstSentence(s);
  return first && !isHeadline(p) ? first : autoTitle(p);
}

/** notes are what the summary says beyond the title. */
export function notes(p: Incident): string | null {
  const s = squeeze(p.summary ?? '');
  return s.length > LONGEST ? s : null;
}

/** whenText says the days as far as they are known: "some day in Oct 2008". */
export function whenText(p: Incident): string {
  const a = parseIso(p.start_date.slice(0, 10));
  const b = parseIso(p.end_date.slice(0, 10));
  if (a === null || b === null) return p.start_date;
  return days(a, b, ['days_2_6', 'week', 'month', 'year'].includes(p.time_precision ?? ''));
}

/** days: with `some`, one unknown day out of these. */
export function days(a: Day, b: Day, some: boolean): string {
  if (!some || a === b) return fmtRange(a, b);
  const p = parts(a);
  const q = parts(b);
  const nextDay = parts(b + 1);
  if (p.d === 1 && nextDay.d === 1) {
    if (p.y === q.y && p.m === q.m) return t.someDay(fmtMonth(a));
    if (p.y === q.y && p.m === 1 && q.m === 12) return t.someDay(digits(String(p.y)));
  }
  return t.someDayBetween(fmtRange(a, b));
}

export function precisionWords(p: Incident): string {
  const k = precisionClass(p.location_precision);
  if (k === 2) return t.unitOnly(p.country ?? 'PK');
  return t.precisions[k]!;
}

/** verificationWord says how far a report was checked, as people read it. */
export const verificationWord = (word: string): string =>
  Object.hasOwn(t.verification, word) ? t.verification[word]! : word;

export const lastDay = (p: Incident): string => fmtDay(parseIso(p.end_date.slice(0, 10)) ?? 0);
