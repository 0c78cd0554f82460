// The counts behind everything on the page. Rows are sorted by start day, so the rows that start in a window are one
// range; incidents that began before it and reach into it are a short list beside it. A step of the brush adds the
// rows that came in and takes away those that went out.

import type { Columns, ColumnsHeader } from '../lib/columns';
import { IMPRECISE_DATE, NOT_REPORTED, OR_MORE } from '../lib/columns';
import { type Bars, barIndex, type Day } from '../lib/dates';
import { N_TYPES, Spot } from '../lib/vocab';

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
const killBucket = new Uint8Array(65536);
for (let v = 0; v < 65536; v++) {
  let k = 0;
  while (k + 1 < KILL_STEPS.length && v >= KILL_STEPS[k + 1]!) k++;
  killBucket[v] = v === NOT_REPORTED ? KILL_NULL : k;
}

/** Tally holds what is counted of a window. */
export class Tally {
  total = 0;
  best = 0;
  low = 0;
  high = 0;
  /** incidents whose best figure is not reported */
  unknown = 0;
  /** incidents of whose deaths there is no figure at all, not even a bound */
  silent = 0;
  /** incidents with a low or a high figure */
  bounded = 0;
  /** incidents with a figure so large that the columns only say "that or more" */
  huge = 0;
  /** incidents with a best figure but without a low or a high one */
  unbounded = 0;
  unit = new Int32Array(256);
  killed = new Float64Array(256);
  unitUnknown = new Int32Array(256);
  unitSilent = new Int32Array(256);
  /** known only by unit */
  coarse = new Int32Array(256);
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
    this.bounded = this.unbounded = this.huge = 0;
    for (const a of [
      this.unit,
      this.killed,
      this.unitUnknown,
      this.unitSilent,
      this.coarse,
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

  /** count adds (s = 1) or takes away (s = -1) one row. */
  count(c: Columns, fail: Uint8Array, i: number, s: number): void {
    const f = fail[i]!;
    if (f === 0) {
      const u = c.unit[i]!;
      const b = c.best[i]!;
      const spot = c.spot[i]!;
      const area = c.area[i]!;
      this.total += s;
      this.unit[u]! += s;
      this.fUnit[u]! += s;
      this.fArea[area]! += s;
      if (b === NOT_REPORTED) {
        this.unknown += s;
        this.unitUnknown[u]! += s;
      } else {
        this.best += s * b;
        this.killed[u]! += s * b;
      }
      const l = c.low[i]!;
      const h = c.high[i]!;
      if (l !== NOT_REPORTED || h !== NOT_REPORTED) this.bounded += s;
      else if (b === NOT_REPORTED) {
        this.silent += s;
        this.unitSilent[u]! += s;
      }
      if (b !== NOT_REPORTED && (l === NOT_REPORTED || h === NOT_REPORTED)) this.unbounded += s;
      if (b === OR_MORE || l === OR_MORE || h === OR_MORE) this.huge += s;
      // A missing bound stands as the best figure, so that low–high spans the same incidents as best.
      this.low += s * (l !== NOT_REPORTED ? l : b !== NOT_REPORTED ? b : 0);
      this.high += s * (h !== NOT_REPORTED ? h : b !== NOT_REPORTED ? b : 0);
      if (spot !== Spot.POINT) {
        if (spot === Spot.UNIT) this.coarse[u]! += s;
        else this.spotArea[(spot << 8) | area]! += s;
      }
      this.fType[c.type[i]!]! += s;
      this.fPrecision[c.precision[i]!]! += s;
      this.fKilled[killBucket[b]!]! += s;
      this.fDataset[c.dataset[i]!]! += s;
      this.fVerification[c.verification[i]!]! += s;
      this.fSubtype[c.subtype[i]!]! += s;
    } else if ((f & (f - 1)) === 0) {
      // Kept out by one filter alone: it counts in that filter's own facet.
      if (f === Facet.TYPE) this.fType[c.type[i]!]! += s;
      else if (f === Facet.PLACE) {
        this.fUnit[c.unit[i]!]! += s;
        this.fArea[c.area[i]!]! += s;
      } else if (f === Facet.PRECISION) this.fPrecision[c.precision[i]!]! += s;
      else if (f === Facet.KILLED) this.fKilled[killBucket[c.best[i]!]!]! += s;
      else if (f === Facet.DATASET) this.fDataset[c.dataset[i]!]! += s;
      else if (f === Facet.VERIFICATION) this.fVerification[c.verification[i]!]! += s;
      else this.fSubtype[c.subtype[i]!]! += s;
    }
  }

  range(c: Columns, fail: Uint8Array, i0: number, i1: number, s: number): void {
    for (let i = i0; i < i1; i++) this.count(c, fail, i, s);
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

export class Model {
  cols: Columns;
  header: ColumnsHeader;
  /** first row that is loaded */
  lo = 0;
  fail: Uint8Array;
  tally = new Tally();
  /** rows [i0, i1) start in the window; extra are those before i0 that reach into it */
  i0 = 0;
  i1 = 0;
  extra: number[] = [];
  from: Day = 0;
  to: Day = -1;
  private base = new Tally();
  private b0 = 0;
  private b1 = 0;
  /** rows that last longer than a day, ascending, and the latest end among them up to each */
  private long: Int32Array = new Int32Array(0);
  private longEnd: Int32Array = new Int32Array(0);

  constructor(header: ColumnsHeader, cols: Columns, lo: number) {
    this.header = header;
    this.cols = cols;
    this.lo = lo;
    this.fail = new Uint8Array(cols.n);
    this.index();
  }

  private index(): void {
    const { span, start, n } = this.cols;
    let k = 0;
    for (let i = this.lo; i < n; i++) if (span[i]! > 0) k++;
    this.long = new Int32Array(k);
    this.longEnd = new Int32Array(k);
    k = 0;
    let end = -1;
    for (let i = this.lo; i < n; i++)
      if (span[i]! > 0) {
        end = Math.max(end, start[i]! + span[i]!);
        this.long[k] = i;
        this.longEnd[k++] = end;
      }
  }

  /** first and last day over all loaded rows; null when there are none. */
  get extent(): [Day, Day] | null {
    const { start, n } = this.cols;
    if (this.lo >= n) return null;
    const last = start[n - 1]!;
    return [start[this.lo]!, Math.max(last, this.longEnd.length ? this.longEnd[this.longEnd.length - 1]! : 0)];
  }

  get count(): number {
    return this.cols.n - this.lo;
  }
  /** startAt is the day by which a share (0 to 1) of all loaded rows had started; there must be rows. */
  startAt(share: number): Day {
    return this.cols.start[Math.min(this.cols.n - 1, this.lo + Math.floor(share * this.count))]!;
  }

  /** refilter computes each row's fail mask; the next window is counted from nothing. */
  refilter(f: Filter): void {
    const { n, type, unit, area, precision, dataset, verification, subtype, best } = this.cols;
    const fail = this.fail;
    fail.fill(0);
    const or = (codes: Uint8Array, table: Uint8Array, bit: number) => {
      for (let i = this.lo; i < n; i++) if (!table[codes[i]!]) fail[i]! |= bit;
    };
    if (f.types) or(type, f.types, Facet.TYPE);
    if (f.precisions) or(precision, f.precisions, Facet.PRECISION);
    if (f.datasets) or(dataset, f.datasets, Facet.DATASET);
    if (f.verifications) or(verification, f.verifications, Facet.VERIFICATION);
    if (f.subtypes) or(subtype, f.subtypes, Facet.SUBTYPE);
    if (f.units || f.areas)
      for (let i = this.lo; i < n; i++) if (!f.units?.[unit[i]!] && !f.areas?.[area[i]!]) fail[i]! |= Facet.PLACE;
    if (f.min !== null)
      for (let i = this.lo; i < n; i++) if (best[i]! === NOT_REPORTED || best[i]! < f.min) fail[i]! |= Facet.KILLED;
    this.base.clear();
    this.b0 = this.b1 = this.lo;
    this.from = 0;
    this.to = -1;
  }

  /** setWindow counts the days from a to b, both closed. */
  setWindow(a: Day, b: Day): void {
    const c = this.cols;
    this.from = a;
    this.to = b;
    this.i0 = lowerBound(c.start, this.lo, c.n, a);
    this.i1 = b >= a ? lowerBound(c.start, this.i0, c.n, b + 1) : this.i0;
    this.rebase(this.i0, this.i1);
    this.extra = this.reaching(a, this.i0);
    // The base stays pure ranges, so that the next step can add and take away; the few others are added to a copy.
    const t = this.tally;
    const s = this.base;
    t.total = s.total;
    t.best = s.best;
    t.low = s.low;
    t.high = s.high;
    t.unknown = s.unknown;
    t.silent = s.silent;
    t.bounded = s.bounded;
    t.unbounded = s.unbounded;
    t.huge = s.huge;
    t.unit.set(s.unit);
    t.killed.set(s.killed);
    t.unitUnknown.set(s.unitUnknown);
    t.unitSilent.set(s.unitSilent);
    t.coarse.set(s.coarse);
    t.spotArea.set(s.spotArea);
    t.fType.set(s.fType);
    t.fUnit.set(s.fUnit);
    t.fArea.set(s.fArea);
    t.fPrecision.set(s.fPrecision);
    t.fKilled.set(s.fKilled);
    t.fDataset.set(s.fDataset);
    t.fVerification.set(s.fVerification);
    t.fSubtype.set(s.fSubtype);
    for (const i of this.extra) t.count(c, this.fail, i, 1);
  }

  private rebase(i0: number, i1: number): void {
    const { base, cols, fail, b0, b1 } = this;
    const overlap = Math.max(0, Math.min(b1, i1) - Math.max(b0, i0));
    const work = b1 - b0 + (i1 - i0) - 2 * overlap;
    if (!overlap || work >= i1 - i0) {
      base.clear();
      base.range(cols, fail, i0, i1, 1);
    } else {
      if (i0 < b0) base.range(cols, fail, i0, b0, 1);
      else base.range(cols, fail, b0, i0, -1);
      if (i1 > b1) base.range(cols, fail, b1, i1, 1);
      else base.range(cols, fail, i1, b1, -1);
    }
    this.b0 = i0;
    this.b1 = i1;
  }

  /** reaching lists the rows before i0 that end on day a or later, newest first. */
  private reaching(a: Day, i0: number): number[] {
    const out: number[] = [];
    const { start, span } = this.cols;
    let lo = 0;
    let hi = this.long.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.long[mid]! < i0) lo = mid + 1;
      else hi = mid;
    }
    for (let k = lo - 1; k >= 0 && this.longEnd[k]! >= a; k--) {
      const i = this.long[k]!;
      if (start[i]! + span[i]! >= a) out.push(i);
    }
    return out;
  }

  /** reach gives the rows of any days: [i0, i1) start in them, extra are those before i0 that reach into them. */
  reach(a: Day, b: Day): { i0: number; i1: number; extra: number[] } {
    const { start, n } = this.cols;
    const i0 = lowerBound(start, this.lo, n, a);
    const i1 = b >= a ? lowerBound(start, i0, n, b + 1) : i0;
    return { i0, i1, extra: this.reaching(a, i0) };
  }

  /** eachInWindow visits the rows of the window that pass the filters, newest first. */
  eachInWindow(visit: (i: number) => void): void {
    for (let i = this.i1 - 1; i >= this.i0; i--) if (this.fail[i] === 0) visit(i);
    for (const i of this.extra) if (this.fail[i] === 0) visit(i);
  }

  /** countWindow says how many would pass in other days or under another filter; for the ways out of an empty page. */
  countIf(a: Day, b: Day, liftedBits: number): number {
    const c = this.cols;
    const keep = ~liftedBits;
    const i0 = lowerBound(c.start, this.lo, c.n, a);
    const i1 = lowerBound(c.start, i0, c.n, b + 1);
    let n = 0;
    for (let i = i0; i < i1; i++) if ((this.fail[i]! & keep) === 0) n++;
    for (const i of this.reaching(a, i0)) if ((this.fail[i]! & keep) === 0) n++;
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
    const { start, span, type, flags, n: rows } = this.cols;
    const fail = this.fail;
    const first = e[0]!;
    const days = e[n]! - first;
    const barOf = new Int32Array(days);
    for (let b = 0; b < n; b++) barOf.fill(b, e[b]! - first, e[b + 1]! - first);
    const i0 = lowerBound(start, this.lo, rows, first);
    const i1 = lowerBound(start, i0, rows, first + days);
    for (let i = i0; i < i1; i++)
      if (fail[i] === 0 && span[i] === 0) types[barOf[start[i]! - first]! * N_TYPES + type[i]!]!++;
    for (const i of this.long) {
      if (fail[i] !== 0) continue;
      const s = start[i]!;
      const z = s + span[i]!;
      if (z < first || s >= first + days) continue;
      const k0 = s < first ? 0 : barIndex(e, s);
      const k1 = z >= first + days ? n - 1 : barIndex(e, z);
      // An incident whose days are known and that lasted longer counts where it began, as the aggregates do,
      // unless bars are shorter than a month: then it is drawn over the days it filled or may have filled.
      const known = (flags[i]! & IMPRECISE_DATE) === 0 && (bars === 'month' || bars === 'year');
      if (k0 === k1 || known) {
        if (s >= first) types[k0 * N_TYPES + type[i]!]!++;
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
