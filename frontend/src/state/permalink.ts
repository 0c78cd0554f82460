// Everything the reader can set is in the address. Filters carry the names of the API's parameters, so that a link
// can be read and changed by hand.

import { BARS, type Bars, type Day, iso, parseIso } from '../lib/dates';
import { PRECISIONS, TYPES, typeIndex, typeParam } from '../lib/vocab';

export interface MapView {
  lat: number;
  lon: number;
  zoom: number;
}
/** Only narrows the list (not the counts) to what one badge stands for. */
export type Only =
  | { kind: 'unit'; unit: string }
  | { kind: 'province'; country: string; province: string }
  | { kind: 'country'; country: string }
  /** along the border: at one unit, or at none of some */
  | { kind: 'border'; unit?: string; but?: string[] }
  | { kind: 'none' }
  /** points that lie together: one place, or a small box (west, south, east, north) */
  | { kind: 'place'; box: [number, number, number, number] }
  | { kind: 'rows'; fids: number[] };

export interface State {
  /** null means from the first or to the last day of the data */
  from: Day | null;
  to: Day | null;
  axis: [Day, Day] | null;
  /** null lets the width decide */
  bars: Bars | null;
  cumulative: boolean;
  speed: number;
  folded: boolean;
  types: Set<number>;
  units: Set<string>;
  provinces: Set<string>;
  countries: Set<string>;
  precisions: Set<string>;
  datasets: Set<string>;
  verifications: Set<string>;
  /** words of a type that the source gave, as in the API's sub_event_type */
  subtypes: Set<string>;
  min: number | null;
  /** words of an actor's name; '' for any */
  actor: string;
  /** within so many kilometres of the border */
  near: number | null;
  /** words in the summary, the place or the actors; '' for any */
  q: string;
  /** what the units are shaded by */
  shade: Shade;
  /** the lowest counts of the classes of the shading, kept as they are; null lets them follow the counts */
  scale: number[] | null;
  /** a second window that the first is compared with */
  compare: [Day, Day] | null;
  show: 'map' | 'table';
  /** what the rows of the table are */
  rows: 'units' | 'incidents';
  /** the column that the table is sorted by, with - before it for the largest first; null for the table's own order */
  sort: string | null;
  /** in a frame of another page */
  embed: boolean;
  /** null follows the reader's system */
  lang: Lang | null;
  /** figures as the language writes them, not as in English */
  numerals: boolean;
  view: MapView | null;
  /** id of a feature, or its row number while the id is not known */
  incident: string | null;
  tab: 'filters' | 'list' | 'compare';
  only: Only | null;
  /** null follows the reader's system */
  theme: 'light' | 'dark' | null;
}

export const SPEEDS = [4, 8, 16];
/** SORTS are the columns that a table can be sorted by. */
export const SORTS = ['name', 'area', 'count', 'rate', 'low', 'best', 'high', 'silent', 'date', 'type'];
export const SHADES = ['count', 'killed', 'rate'] as const;
export type Shade = (typeof SHADES)[number];
/** English, Urdu, Pashto and Dari, as BCP 47 writes them. */
export const LANGS = ['en', 'ur', 'ps', 'prs'] as const;
export type Lang = (typeof LANGS)[number];

export const initial = (): State => ({
  from: null,
  to: null,
  axis: null,
  bars: null,
  cumulative: false,
  speed: 4,
  folded: false,
  types: new Set(),
  units: new Set(),
  provinces: new Set(),
  countries: new Set(),
  precisions: new Set(),
  datasets: new Set(),
  verifications: new Set(),
  subtypes: new Set(),
  min: null,
  actor: '',
  near: null,
  q: '',
  shade: 'count',
  scale: null,
  compare: null,
  show: 'map',
  rows: 'units',
  sort: null,
  embed: false,
  lang: null,
  numerals: false,
  view: null,
  incident: null,
  tab: 'filters',
  only: null,
  theme: null,
});

/** A part of a link that could not be met. */
export interface Problem {
  param: string;
  value: string;
  /** it was there when the page was opened */
  gone?: boolean;
}

/** list joins values; a comma within one has a backslash before it, as the API reads it. */
export const list = (s: Iterable<string>): string =>
  [...s]
    .sort()
    .map((v) => v.replaceAll(',', '\\,'))
    .join();
export const range = (a: Day | null, b: Day | null) => `${a === null ? '..' : iso(a)}/${b === null ? '..' : iso(b)}`;

export function onlyText(o: Only): string {
  switch (o.kind) {
    case 'unit':
      return `unit:${o.unit}`;
    case 'province':
      return `province:${o.country}:${o.province}`;
    case 'country':
      return `country:${o.country}`;
    case 'border':
      return o.unit ? `border:${o.unit}` : o.but ? `border::${o.but.join('.')}` : 'border';
    case 'rows':
      return `rows:${o.fids.join('.')}`;
    case 'place': {
      const [w, s, e, n] = o.box.map((v) => v.toFixed(4));
      return w === e && s === n ? `place:${w},${s}` : `place:${w},${s},${e},${n}`;
    }
    default:
      return o.kind;
  }
}

function onlyOf(text: string): Only | null {
  const [kind, a, b] = text.split(':');
  if (kind === 'unit' && a) return { kind, unit: a };
  if (kind === 'province' && a && b) return { kind, country: a, province: b };
  if (kind === 'country' && a) return { kind, country: a };
  if (kind === 'border' && a) return { kind, unit: a };
  if (kind === 'border' && b) return { kind, but: b.split('.') };
  if (kind === 'border' || kind === 'none') return { kind };
  if (kind === 'place' && a && /^-?\d+(\.\d+)?(,-?\d+(\.\d+)?){1,3}$/.test(a)) {
    const v = a.split(',').map(Number);
    if (v.length === 2) return { kind, box: [v[0]!, v[1]!, v[0]!, v[1]!] };
    if (v.length === 4 && v[0]! <= v[2]! && v[1]! <= v[3]!) return { kind, box: [v[0]!, v[1]!, v[2]!, v[3]!] };
  }
  if (kind === 'rows' && a && /^\d{1,15}(\.\d{1,15})*$/.test(a)) return { kind, fids: a.split('.').map(Number) };
  return null;
}

/** filterParams are the parameters that the API takes for the same filters, without the window. */
export function filterParams(s: State): URLSearchParams {
  const q = new URLSearchParams();
  if (s.types.size) q.set('event_type', [...s.types].sort().map(typeParam).join(','));
  if (s.units.size) q.set('unit', list(s.units));
  if (s.provinces.size) q.set('province', list(s.provinces));
  if (s.countries.size) q.set('country', list(s.countries));
  if (s.precisions.size) q.set('precision', PRECISIONS.filter((p) => s.precisions.has(p)).join(','));
  if (s.min !== null) q.set('min_fatalities', String(s.min));
  if (s.datasets.size) q.set('dataset', list(s.datasets));
  if (s.verifications.size) q.set('verification', list(s.verifications));
  if (s.subtypes.size) q.set('sub_event_type', list(s.subtypes));
  for (const [k, v] of servedParams(s)) q.set(k, v);
  return q;
}

/** served says whether filters are on that only the server can answer: the columns then hold only what passes them. */
export const served = (s: State): boolean => servedParams(s).size > 0;
/** servedParams are those filters as the API takes them. */
export function servedParams(s: State): URLSearchParams {
  const q = new URLSearchParams();
  if (s.actor) q.set('actor', s.actor);
  if (s.near !== null) q.set('border_km', String(s.near));
  if (s.q) q.set('q', s.q);
  return q;
}

/** encode writes the state as a query string without the question mark. */
export function encode(s: State): string {
  const q = filterParams(s);
  if (s.from !== null || s.to !== null) q.set('datetime', range(s.from, s.to));
  if (s.axis) q.set('axis', range(s.axis[0], s.axis[1]));
  if (s.bars) q.set('bars', s.bars);
  if (s.cumulative) q.set('cumulative', '1');
  if (s.speed !== 4) q.set('speed', String(s.speed));
  if (s.folded) q.set('strip', '0');
  if (s.view) q.set('map', `${s.view.lat.toFixed(3)},${s.view.lon.toFixed(3)},${s.view.zoom}`);
  if (s.incident) q.set('incident', s.incident);
  if (s.tab !== 'filters') q.set('tab', s.tab);
  if (s.only) q.set('only', onlyText(s.only));
  if (s.theme) q.set('theme', s.theme);
  if (s.shade !== 'count') q.set('shade', s.shade);
  if (s.scale) q.set('scale', s.scale.join(','));
  if (s.compare) q.set('compare', range(s.compare[0], s.compare[1]));
  if (s.show !== 'map') q.set('show', s.show);
  if (s.rows !== 'units') q.set('rows', s.rows);
  if (s.sort) q.set('sort', s.sort);
  if (s.embed) q.set('embed', '1');
  if (s.lang) q.set('lang', s.lang);
  if (s.numerals) q.set('numerals', 'local');
  return q.toString().replace(/%2C/g, ',').replace(/%2F/g, '/').replace(/%3A/g, ':');
}

/** decode reads a query string. What it cannot meet is left out and named. */
export function decode(search: string): { state: State; problems: Problem[] } {
  const s = initial();
  const problems: Problem[] = [];
  const bad = (param: string, value: string) => problems.push({ param, value });
  const words = (v: string) =>
    v
      .split(/(?<!\\),/)
      .map((w) => w.replaceAll('\\,', ',').trim())
      .filter(Boolean);
  const days = (v: string): [Day | null, Day | null] | null => {
    const [a, b, more] = v.includes('/') ? v.split('/') : [v, v];
    const one = (t: string | undefined) => (t === '..' || t === '' ? null : parseIso(t ?? 'x'));
    if (more !== undefined || a === undefined || b === undefined) return null;
    const x = one(a);
    const y = one(b);
    if ((x === null && a !== '..' && a !== '') || (y === null && b !== '..' && b !== '')) return null;
    return x !== null && y !== null && x > y ? null : [x, y];
  };
  for (const [k, v] of new URLSearchParams(search)) {
    if (k === 'event_type')
      for (const w of words(v)) {
        const t = typeIndex(w);
        if (t < 0) bad(k, w);
        else s.types.add(t);
      }
    else if (k === 'unit') for (const w of words(v)) s.units.add(w);
    else if (k === 'province') for (const w of words(v)) s.provinces.add(w);
    else if (k === 'country') for (const w of words(v)) s.countries.add(w);
    else if (k === 'dataset') for (const w of words(v)) s.datasets.add(w);
    else if (k === 'verification') for (const w of words(v)) s.verifications.add(w);
    else if (k === 'sub_event_type') for (const w of words(v)) s.subtypes.add(w);
    else if (k === 'actor' || k === 'q') {
      if (v.length <= 200 && !/\p{Cc}/u.test(v)) s[k] = v.trim();
      else bad(k, v);
    } else if (k === 'border_km') {
      if (/^\d{1,4}$/.test(v)) s.near = Number(v);
      else bad(k, v);
    } else if (k === 'precision')
      for (const w of words(v)) {
        if ((PRECISIONS as readonly string[]).includes(w)) s.precisions.add(w);
        else bad(k, w);
      }
    else if (k === 'min_fatalities') {
      if (/^\d{1,5}$/.test(v)) s.min = Number(v);
      else bad(k, v);
    } else if (k === 'datetime') {
      const d = days(v);
      if (d) [s.from, s.to] = d;
      else bad(k, v);
    } else if (k === 'axis') {
      const d = days(v);
      if (d && d[0] !== null && d[1] !== null && d[1] > d[0]) s.axis = [d[0], d[1]];
      else bad(k, v);
    } else if (k === 'bars') {
      if ((BARS as readonly string[]).includes(v)) s.bars = v as Bars;
      else bad(k, v);
    } else if (k === 'cumulative') {
      if (v === '1' || v === '0') s.cumulative = v === '1';
      else bad(k, v);
    } else if (k === 'speed') {
      if (SPEEDS.includes(Number(v))) s.speed = Number(v);
      else bad(k, v);
    } else if (k === 'strip') {
      if (v === '1' || v === '0') s.folded = v === '0';
      else bad(k, v);
    } else if (k === 'map') {
      // An empty part would be a nought.
      const m = v.split(',').map((n) => (n ? Number(n) : NaN));
      const [lat, lon, zoom] = m;
      if (m.length === 3 && Math.abs(lat!) <= 85 && Math.abs(lon!) <= 180 && zoom! >= 3 && zoom! <= 18)
        s.view = { lat: lat!, lon: lon!, zoom: zoom! };
      else bad(k, v);
    } else if (k === 'incident') {
      if (/^[\w.:-]{1,100}$/.test(v)) s.incident = v;
      else bad(k, v);
    } else if (k === 'tab') {
      if (v === 'filters' || v === 'list' || v === 'compare') s.tab = v;
      else bad(k, v);
    } else if (k === 'only') {
      s.only = onlyOf(v);
      if (!s.only) bad(k, v);
    } else if (k === 'theme') {
      if (v === 'light' || v === 'dark') s.theme = v;
      else bad(k, v);
    } else if (k === 'shade') {
      if ((SHADES as readonly string[]).includes(v)) s.shade = v as Shade;
      else bad(k, v);
    } else if (k === 'scale') {
      const steps = v.split(',').map(Number);
      if (steps.length === 6 && steps.every((n, i) => n > 0 && n <= 1e9 && (i === 0 || n > steps[i - 1]!)))
        s.scale = steps;
      else bad(k, v);
    } else if (k === 'compare') {
      const d = days(v);
      if (d && d[0] !== null && d[1] !== null) s.compare = [d[0], d[1]];
      else bad(k, v);
    } else if (k === 'show') {
      if (v === 'map' || v === 'table') s.show = v;
      else bad(k, v);
    } else if (k === 'rows') {
      if (v === 'units' || v === 'incidents') s.rows = v;
      else bad(k, v);
    } else if (k === 'sort') {
      if (SORTS.includes(v.replace(/^-/, ''))) s.sort = v;
      else bad(k, v);
    } else if (k === 'embed') {
      if (v === '1' || v === '0') s.embed = v === '1';
      else bad(k, v);
    } else if (k === 'lang') {
      if ((LANGS as readonly string[]).includes(v)) s.lang = v as Lang;
      else bad(k, v);
    } else if (k === 'numerals') {
      if (v === 'local' || v === 'latn') s.numerals = v === 'local';
      else bad(k, v);
    } else bad(k, v);
  }
  return { state: s, problems };
}

/** nearest suggests the type that a misspelt word may have meant. */
export function nearestType(word: string): string | null {
  const far = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++)
        next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      row = next;
    }
    return row[b.length]!;
  };
  let best: string | null = null;
  let least = 4;
  for (const t of TYPES) {
    const d = far(word.toLowerCase(), t.toLowerCase());
    if (d < least) {
      least = d;
      best = t;
    }
  }
  return best;
}
