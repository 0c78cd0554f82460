// The counts behind everything on the page. Rows are sorted by start day, so the rows that start in a window are one
// range; incidents that began before it and reach into it are a short list beside it. A step of the brush adds the
// rows that came in and takes away those that went out.

import type { Incident } from '../api/client';
import type { Columns, ColumnsHeader } from '../lib/columns';
import { IMPRECISE_DATE, NOT_REPORTED, OR_MORE } from '../lib/columns';
import { type Bars, barIndex, type Day } from '../lib/dates';
import { N_TYPES, Spot } from '../lib/vocab';
import type { Pages } from '../served/pages';

/** Bits of a row's fail mask: which filter keeps it out. A row with 0 passes all. */
export const Facet = {
  TYPE: 1,
  PLACE: 2,
  PRECISION: 4,
  KILLED: 8,
  DATASET: 16,
  VERIFICATION: 32,
  SUBTYPE: 64,
} as const;

/** Filter as look-up tables over the columns' codes; null lets everything through. */
export interface Filter {
  types: Uint8Array | null;
  units: Uint8Array | null;
  areas: Uint8Array | null;
  precisions: Uint8Array | null;
  datasets: Uint8Array | null;
  /** by header.verifications; 255 is "not stated" */
  verifications: Uint8Array | null;
  /** by header.sub_event_types; 255 is "not stated" */
  subtypes: Uint8Array | null;
  min: number | null;
}
export const NO_FILTER: Filter = {
  types: null,
  units: null,
  areas: null,
  precisions: null,
  datasets: null,
  verifications: null,
  subtypes: null,
  min: null,
};

/** Steps of the "at least so many killed" filter; KILL_STEPS[0] is "none reported or more". */
export const KILL_STEPS = [0, 1, 5, 10, 25, 100];
const KILL_NULL = KILL_STEPS.length;
/** leastKilled is the figure that "at least so many killed" tests: of "at least 100" only the lowest is known. */
export const leastKilled = (best: number, low: number): number => (best !== NOT_REPORTED ? best : low);
function killStep(v: number): number {
  if (v === NOT_REPORTED) return KILL_NULL;
  let k = 0;
  while (k + 1 < KILL_STEPS.length && v >= KILL_STEPS[k + 1]!) k++;
  return k;
}

/** The numbers of the bits of Facet; those of kinds count by kind. */
const BITS = 7;
const bitOf = (f: number): number => 31 - Math.clz32(f);

/**
 * Counts counts rows by their numbers in the tables of the columns: a row costs a few steps, and what views ask for is
 * added up from the tables, which are short, once a step.
 */
class Counts {
  private kind: Int32Array;
  private where: Int32Array;
  private deaths: Int32Array;
  /** of the rows of a place: sums of best figures, how many have none, how many have no figure at all */
  private killed: Float64Array;
  private unknown: Int32Array;
  private silent: Int32Array;
  /** rows that are no points, by place and spot */
  private spots: Int32Array;
  /** rows that one filter alone keeps out, by that filter */
  private ownKind: Int32Array;
  private ownWhere: Int32Array;
  private ownDeaths: Int32Array;

  constructor(private c: Columns) {
    const { kind, where, deaths } = c.tables;
    const [k, w, d] = [kind.type.length, where.unit.length, deaths.best.length];
    this.kind = new Int32Array(k);
    this.where = new Int32Array(w);
    this.deaths = new Int32Array(d);
    this.killed = new Float64Array(w);
    this.unknown = new Int32Array(w);
    this.silent = new Int32Array(w);
    this.spots = new Int32Array(w * 8);
    this.ownKind = new Int32Array(k * BITS);
    this.ownWhere = new Int32Array(w);
    this.ownDeaths = new Int32Array(d);
  }

  clear(): void {
    this.kind.fill(0);
    this.where.fill(0);
    this.deaths.fill(0);
    this.killed.fill(0);
    this.unknown.fill(0);
    this.silent.fill(0);
    this.spots.fill(0);
    this.ownKind.fill(0);
    this.ownWhere.fill(0);
    this.ownDeaths.fill(0);
  }

  /** range adds (s = 1) or takes away (s = -1) the rows from i0 up to i1. */
  range(fail: Uint8Array, i0: number, i1: number, s: number): void {
    const { kind, where, deaths, tables } = this.c;
    const { best, low, high } = tables.deaths;
    const { spot } = tables.kind;
    const kinds = this.kind.length;
    const { kind: nk, where: nw, deaths: nd, killed, unknown, silent, spots, ownKind, ownWhere, ownDeaths } = this;
    for (let i = i0; i < i1; i++) {
      const f = fail[i]!;
      if (f === 0) {
        const k = kind[i]!;
        const w = where[i]!;
        const d = deaths[i]!;
        nk[k]! += s;
        nw[w]! += s;
        nd[d]! += s;
        const b = best[d]!;
        if (b !== NOT_REPORTED) killed[w]! += s * b;
        else {
          unknown[w]! += s;
          if (low[d] === NOT_REPORTED && high[d] === NOT_REPORTED) silent[w]! += s;
        }
        if (spot[k] !== Spot.POINT) spots[(w << 3) | spot[k]!]! += s;
      } else if ((f & (f - 1)) === 0) {
        if (f === Facet.PLACE) ownWhere[where[i]!]! += s;
        else if (f === Facet.KILLED) ownDeaths[deaths[i]!]! += s;
        else ownKind[bitOf(f) * kinds + kind[i]!]! += s;
      }
    }
  }

  /** sum writes what was counted into a tally. */
  sum(t: Tally): void {
    t.clear();
    const { kind: k, where: w, deaths: d } = this.c.tables;
    const kinds = this.kind.length;
    const facets = [
      [t.fType, k.type, Facet.TYPE],
      [t.fPrecision, k.precision, Facet.PRECISION],
      [t.fDataset, k.dataset, Facet.DATASET],
      [t.fVerification, k.verification, Facet.VERIFICATION],
      [t.fSubtype, k.subtype, Facet.SUBTYPE],
    ] as const;
    for (const [to, code, bit] of facets) {
      const own = bitOf(bit) * kinds;
      for (let i = 0; i < kinds; i++) to[code[i]!]! += this.kind[i]! + this.ownKind[own + i]!;
    }
    for (let i = 0; i < this.where.length; i++) {
      const u = w.unit[i]!;
      const a = w.area[i]!;
      const n = this.where[i]!;
      const own = this.ownWhere[i]!;
      t.total += n;
      t.unit[u]! += n;
      t.killed[u]! += this.killed[i]!;
      t.unitUnknown[u]! += this.unknown[i]!;
      t.unitSilent[u]! += this.silent[i]!;
      t.fUnit[u]! += n + own;
      t.fArea[a]! += n + own;
      t.coarse[u]! += this.spots[(i << 3) | Spot.UNIT]!;
      t.border[u]! += this.spots[(i << 3) | Spot.BORDER]!;
      for (let s = Spot.PROVINCE; s <= Spot.NONE; s++) t.spotArea[(s << 8) | a]! += this.spots[(i << 3) | s]!;
    }
    for (let i = 0; i < this.deaths.length; i++) {
      const n = this.deaths[i]!;
      const own = this.ownDeaths[i]!;
      if (n === 0 && own === 0) continue;
      const b = d.best[i]!;
      const l = d.low[i]!;
      const h = d.high[i]!;
      t.fKilled[killStep(leastKilled(b, l))]! += n + own;
      const known = b !== NOT_REPORTED;
      if (known) t.best += n * b;
      else {
        t.unknown += n;
        if (l === NOT_REPORTED && h === NOT_REPORTED) t.silent += n;
      }
      if (l !== NOT_REPORTED && h !== NOT_REPORTED) {
        t.bounded += n;
        t.low += n * l;
        t.high += n * h;
      }
      if (b === OR_MORE || l === OR_MORE || h === OR_MORE) t.huge += n;
    }
  }
}

/** Tally holds what is counted of a window. */
export class Tally {
  total = 0;
  /** sum of the best figures */
  best = 0;
  /** sums over the incidents that give both a low and a high figure; no figure stands in for another */
  low = 0;
  high = 0;
  /** incidents whose best figure is not reported */
  unknown = 0;
  /** incidents of whose deaths there is no figure at all, not even a bound */
  silent = 0;
  /** incidents with a low and a high figure */
  bounded = 0;
  /** incidents with a figure so large that the columns only say "that or more" */
  huge = 0;
  unit = new Int32Array(256);
  killed = new Float64Array(256);
  unitUnknown = new Int32Array(256);
  unitSilent = new Int32Array(256);
  /** known only by unit */
  coarse = new Int32Array(256);
  /** known only as somewhere on the border, by the unit along which */
  border = new Int32Array(256);
  /** by spot (high byte) and area */
  spotArea = new Int32Array(8 * 256);
  // facets, each counted under all other filters
  fType = new Int32Array(N_TYPES + 1);
  fUnit = new Int32Array(256);
  fArea = new Int32Array(256);
  fPrecision = new Int32Array(256);
  fKilled = new Int32Array(KILL_NULL + 1);
  fDataset = new Int32Array(256);
  /** by header.verifications; 255 is "not stated" */
  fVerification = new Int32Array(256);
  /** by header.sub_event_types; 255 is "not stated" */
  fSubtype = new Int32Array(256);

  clear(): void {
    this.total = this.best = this.low = this.high = this.unknown = this.silent = 0;
    this.bounded = this.huge = 0;
    for (const a of [
      this.unit,
      this.killed,
      this.unitUnknown,
      this.unitSilent,
      this.coarse,
      this.border,
      this.spotArea,
      this.fType,
      this.fUnit,
      this.fArea,
      this.fPrecision,
      this.fKilled,
      this.fDataset,
      this.fVerification,
      this.fSubtype,
    ])
      a.fill(0);
  }

  /** spots adds up one kind of place over all areas. */
  spots(spot: number): number {
    let n = 0;
    for (let a = 0; a < 256; a++) n += this.spotArea[(spot << 8) | a]!;
    return n;
  }
}

/** lowerBound is the first index in [lo, hi) whose start is not before the day. */
export function lowerBound(start: Uint16Array, lo: number, hi: number, day: number): number {
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (start[mid]! < day) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** Group is incidents that the server has put together: its place in the square of the map, how many, also by type. */
export interface Group {
  x: number;
  y: number;
  n: number;
  t: number[];
  /** sum of the best figures; null where none is reported */
  killed: number | null;
}

export class Model {
  /** the server counts: there are only the few rows here that are in view (served.ts) */
  remote = false;
  /** another object when the rows that can be drawn are others */
  seen: object = this;
  /** shown in place of rows, where there are too many */
  groups: Group[] | null = null;
  /** look says what is in view, for a server that must be asked for it; left and top are world pixels. */
  look(_zoom: number, _left: number, _top: number, _width: number, _height: number): void {}
  /** pages are the rows of a list; null where all are here. */
  pages(): Pages | null {
    return null;
  }
  /** text is an incident whose words are known. */
  text(_fid: number): Incident | undefined {
    return undefined;
  }
  /** figures writes the sums of any days by place that the server gave; false before the first. */
  figures(_to: Float64Array, _a: Day, _b: Day): boolean {
    return false;
  }
  cols: Columns;
  header: ColumnsHeader;
  /** first row that is loaded */
  lo = 0;
  fail: Uint8Array;
  /** how often the filters were set */
  filtered = 0;
  tally = new Tally();
  /** rows [i0, i1) start in the window; extra are those before i0 that reach into it */
  i0 = 0;
  i1 = 0;
  extra: number[] = [];
  from: Day = 0;
  to: Day = -1;
  private base: Counts;
  private b0 = 0;
  private b1 = 0;
  /** rows that last longer than a day, ascending, and the latest end among them up to each, in days after the origin */
  private long: Int32Array = new Int32Array(0);
  private longEnd: Int32Array = new Int32Array(0);

  /** scratch is the mask of a model of the same columns that is no longer used. */
  constructor(header: ColumnsHeader, cols: Columns, lo: number, scratch?: Uint8Array) {
    this.header = header;
    this.cols = cols;
    this.lo = lo;
    this.fail = scratch?.length === cols.n ? scratch.fill(0) : new Uint8Array(cols.n);
    this.base = new Counts(cols);
    this.index();
  }

  private index(): void {
    const { span, start, n, tables } = this.cols;
    const { spans } = tables;
    let k = 0;
    for (let i = this.lo; i < n; i++) if (spans[span[i]!]! > 0) k++;
    this.long = new Int32Array(k);
    this.longEnd = new Int32Array(k);
    k = 0;
    let end = -1;
    if (this.long.length)
      for (let i = this.lo; i < n; i++) {
        const days = spans[span[i]!]!;
        if (days === 0) continue;
        end = Math.max(end, start[i]! + days);
        this.long[k] = i;
        this.longEnd[k++] = end;
      }
  }

  /** first and last day over all loaded rows; null when there are none. */
  get extent(): [Day, Day] | null {
    const { start, n, origin } = this.cols;
    if (this.lo >= n) return null;
    const end = Math.max(start[n - 1]!, this.longEnd.length ? this.longEnd[this.longEnd.length - 1]! : 0);
    return [start[this.lo]! + origin, end + origin];
  }

  get count(): number {
    return this.cols.n - this.lo;
  }
  /** startAt is the day by which a share (0 to 1) of all loaded rows had started; there must be rows. */
  startAt(share: number): Day {
    return this.cols.first(Math.min(this.cols.n - 1, this.lo + Math.floor(share * this.count)));
  }

  /** refilter computes each row's fail mask; the next window is counted from nothing. */
  refilter(f: Filter): void {
    this.filtered++;
    const { n, kind, where, deaths, tables } = this.cols;
    // What keeps a row out is known of its kind, its place and its figures.
    const mask = (codes: number[], table: Uint8Array | null, bit: number) => (i: number) =>
      table && !table[codes[i]!] ? bit : 0;
    const k = tables.kind;
    const ofKind = [
      mask(k.type, f.types, Facet.TYPE),
      mask(k.precision, f.precisions, Facet.PRECISION),
      mask(k.dataset, f.datasets, Facet.DATASET),
      mask(k.verification, f.verifications, Facet.VERIFICATION),
      mask(k.subtype, f.subtypes, Facet.SUBTYPE),
    ];
    const byKind = Uint8Array.from(k.type, (_, i) => ofKind.reduce((m, g) => m | g(i), 0));
    const { unit, area } = tables.where;
    const byWhere = Uint8Array.from(unit, (u, i) =>
      (f.units || f.areas) && !f.units?.[u] && !f.areas?.[area[i]!] ? Facet.PLACE : 0,
    );
    const { best, low } = tables.deaths;
    const byDeaths = Uint8Array.from(best, (b, i) => {
      const v = leastKilled(b, low[i]!);
      return f.min !== null && (v === NOT_REPORTED || v < f.min) ? Facet.KILLED : 0;
    });
    const fail = this.fail;
    for (let i = this.lo; i < n; i++) fail[i] = byKind[kind[i]!]! | byWhere[where[i]!]! | byDeaths[deaths[i]!]!;
    this.base.clear();
    this.b0 = this.b1 = this.lo;
    this.from = 0;
    this.to = -1;
  }

  /** setWindow counts the days from a to b, both closed. */
  setWindow(a: Day, b: Day): void {
    this.from = a;
    this.to = b;
    const { i0, i1, extra } = this.reach(a, b);
    this.i0 = i0;
    this.i1 = i1;
    this.extra = extra;
    this.rebase(i0, i1);
    // The base stays one range, so that the next step can add and take away; the few others are in it for the sums only.
    for (const i of extra) this.base.range(this.fail, i, i + 1, 1);
    this.base.sum(this.tally);
    for (const i of extra) this.base.range(this.fail, i, i + 1, -1);
  }

  private rebase(i0: number, i1: number): void {
    const { base, fail, b0, b1 } = this;
    const overlap = Math.max(0, Math.min(b1, i1) - Math.max(b0, i0));
    const work = b1 - b0 + (i1 - i0) - 2 * overlap;
    if (!overlap || work >= i1 - i0) {
      base.clear();
      base.range(fail, i0, i1, 1);
    } else {
      if (i0 < b0) base.range(fail, i0, b0, 1);
      else base.range(fail, b0, i0, -1);
      if (i1 > b1) base.range(fail, b1, i1, 1);
      else base.range(fail, i1, b1, -1);
    }
    this.b0 = i0;
    this.b1 = i1;
  }

  /** reaching lists the rows before i0 that end on day a or later, newest first. */
  private reaching(a: Day, i0: number): number[] {
    const out: number[] = [];
    const { start, span, tables, origin } = this.cols;
    const day = a - origin;
    let lo = 0;
    let hi = this.long.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.long[mid]! < i0) lo = mid + 1;
      else hi = mid;
    }
    for (let k = lo - 1; k >= 0 && this.longEnd[k]! >= day; k--) {
      const i = this.long[k]!;
      if (start[i]! + tables.spans[span[i]!]! >= day) out.push(i);
    }
    return out;
  }

  /** reach gives the rows of any days: [i0, i1) start in them, extra are those before i0 that reach into them. */
  reach(a: Day, b: Day): { i0: number; i1: number; extra: number[] } {
    const { start, n, origin } = this.cols;
    const i0 = lowerBound(start, this.lo, n, a - origin);
    const i1 = b >= a ? lowerBound(start, i0, n, b + 1 - origin) : i0;
    return { i0, i1, extra: this.reaching(a, i0) };
  }

  /** eachInWindow visits the rows of the window that pass the filters, newest first. */
  eachInWindow(visit: (i: number) => void): void {
    for (let i = this.i1 - 1; i >= this.i0; i--) if (this.fail[i] === 0) visit(i);
    for (const i of this.extra) if (this.fail[i] === 0) visit(i);
  }

  /** countWindow says how many would pass in other days or under another filter; for the ways out of an empty page. */
  countIf(a: Day, b: Day, liftedBits: number): number {
    const keep = ~liftedBits;
    const { i0, i1, extra } = this.reach(a, b);
    let n = 0;
    for (let i = i0; i < i1; i++) if ((this.fail[i]! & keep) === 0) n++;
    for (const i of extra) if ((this.fail[i]! & keep) === 0) n++;
    return n;
  }

  /** rowOf finds a row by its number in the store; -1 when it is not (or not yet) loaded. */
  rowOf(fid: number): number {
    const at = this.cols.fid.indexOf(fid, this.lo);
    return at;
  }

  /**
   * histogram counts bars by type under all filters but the window. An incident whose days reach over several bars
   * is spread over all of them: it may belong to each, and its whole area is 1.
   */
  histogram(e: Int32Array, bars: Bars): { types: Float64Array; hatched: Float64Array; top: number } {
    const n = e.length - 1;
    const types = new Float64Array(n * N_TYPES);
    const hatched = new Float64Array(n);
    const { start, span, kind, n: rows, tables, origin } = this.cols;
    const { spans } = tables;
    const { type, flags } = tables.kind;
    const fail = this.fail;
    const first = e[0]!;
    const days = e[n]! - first;
    const barOf = new Int32Array(days);
    for (let b = 0; b < n; b++) barOf.fill(b * N_TYPES, e[b]! - first, e[b + 1]! - first);
    const i0 = lowerBound(start, this.lo, rows, first - origin);
    const i1 = lowerBound(start, i0, rows, first + days - origin);
    const shift = origin - first;
    for (let i = i0; i < i1; i++)
      if (fail[i] === 0 && spans[span[i]!] === 0) types[barOf[start[i]! + shift]! + type[kind[i]!]!]!++;
    for (const i of this.long) {
      if (fail[i] !== 0) continue;
      const s = start[i]! + origin;
      const z = s + spans[span[i]!]!;
      if (z < first || s >= first + days) continue;
      const k0 = s < first ? 0 : barIndex(e, s);
      const k1 = z >= first + days ? n - 1 : barIndex(e, z);
      // An incident whose days are known and that lasted longer counts where it began, as the aggregates do,
      // unless bars are shorter than a month: then it is drawn over the days it filled or may have filled.
      const known = (flags[kind[i]!]! & IMPRECISE_DATE) === 0 && (bars === 'month' || bars === 'year');
      if (k0 === k1 || known) {
        if (s >= first) types[k0 * N_TYPES + type[kind[i]!]!]!++;
      } else for (let k = k0; k <= k1; k++) hatched[k]! += 1 / (k1 - k0 + 1);
    }
    let top = 0;
    for (let b = 0; b < n; b++) {
      let v = hatched[b]!;
      for (let t = 0; t < N_TYPES; t++) v += types[b * N_TYPES + t]!;
      if (v > top) top = v;
    }
    return { types, hatched, top };
  }
}
