// Counts by place of any window, and what two windows differ by. The table of units and the comparison stand on it.

import { type Columns, NO_UNIT, NOT_REPORTED, OR_MORE } from '../lib/columns';
import { addBars, type Bars, barStart, type Day, edges, parts, ymd } from '../lib/dates';
import type { Model } from './model';
import type { Shade } from './permalink';

/** Figures of some incidents. Each sum is over those that give the figure; none stands in for another. */
export interface Figures {
  n: number;
  low: number;
  best: number;
  high: number;
  /** incidents without a low, a best, a high figure */
  noLow: number;
  unknown: number;
  noHigh: number;
  /** incidents of whose deaths there is no figure at all */
  silent: number;
  /** incidents with a low and a high figure, and the sums of these */
  bounded: number;
  from: number;
  to: number;
  /** incidents with a figure that only says "that or more" */
  huge: number;
}
const NAMES = [
  'n',
  'low',
  'best',
  'high',
  'noLow',
  'unknown',
  'noHigh',
  'silent',
  'bounded',
  'from',
  'to',
  'huge',
] as const;
/** WIDTH is how many figures a place has. */
export const WIDTH = NAMES.length;

/** Places are the units by their index in the header, then, for what has no unit, spot and area: (spot + 1) << 8 | area. */
export const PLACES = 7 * 256;
export const restKey = (spot: number, area: number): number => ((spot + 1) << 8) | area;

/** Sums counts a window by place; a step of the window adds the rows that came in and takes away those that went out. */
export class Sums {
  /** rows that start in the window, by place and figure; and with those that began before it */
  private base = new Float64Array(PLACES * WIDTH);
  private all = new Float64Array(PLACES * WIDTH);
  private b0 = 0;
  private b1 = 0;
  private of: Model | null = null;

  /**
   * count counts the days a to b; fresh says that the filters have changed since the last time. It is false while the
   * server, if that is to count, has not answered for the first time.
   */
  count(m: Model, a: Day, b: Day, fresh: boolean): boolean {
    if (m.remote) {
      this.known = m.figures(this.all, a, b) || this.known;
      return this.known;
    }
    const { i0, i1, extra } = m.reach(a, b);
    let { b0, b1 } = this;
    const overlap = Math.max(0, Math.min(b1, i1) - Math.max(b0, i0));
    if (fresh || m !== this.of || b1 - b0 - 2 * overlap >= 0) {
      this.base.fill(0);
      b0 = b1 = i0;
    }
    const step = (from: number, to: number, s: number) => {
      for (let i = from; i < to; i++) if (m.fail[i] === 0) add(this.base, m.cols, i, s);
    };
    if (i0 < b0) step(i0, b0, 1);
    else step(b0, i0, -1);
    if (i1 > b1) step(b1, i1, 1);
    else step(i1, b1, -1);
    this.of = m;
    this.b0 = i0;
    this.b1 = i1;
    this.all.set(this.base);
    for (const i of extra) if (m.fail[i] === 0) add(this.all, m.cols, i, 1);
    return true;
  }
  private known = false;

  /** at adds up some places. */
  at(...places: number[]): Figures {
    const out = Object.fromEntries(NAMES.map((k) => [k, 0])) as unknown as Figures;
    for (const p of places) for (let k = 0; k < WIDTH; k++) out[NAMES[k]!] += this.all[p * WIDTH + k]!;
    return out;
  }
  /** total adds up all places. */
  get total(): Figures {
    return this.at(...Array(PLACES).keys());
  }
  has(place: number): boolean {
    return this.all[place * WIDTH]! > 0;
  }
}

function add(to: Float64Array, c: Columns, i: number, s: number): void {
  const u = c.unit(i);
  const k = (u !== NO_UNIT ? u : restKey(c.spot(i), c.area(i))) * WIDTH;
  const given = [c.low(i), c.best(i), c.high(i)];
  const [l, b, h] = given as [number, number, number];
  to[k]! += s;
  given.forEach((v, j) => {
    if (v !== NOT_REPORTED) to[k + 1 + j]! += s * v;
    else to[k + 4 + j]! += s;
  });
  if (given.every((v) => v === NOT_REPORTED)) to[k + 7]! += s;
  if (l !== NOT_REPORTED && h !== NOT_REPORTED) {
    to[k + 8]! += s;
    to[k + 9]! += s * l;
    to[k + 10]! += s * h;
  }
  if (b === OR_MORE || l === OR_MORE || h === OR_MORE) to[k + 11]! += s;
}

/** value is what units are shaded by; null where it is not known: no figure of deaths at all, or no area to divide by. */
export function value(f: Figures, shade: Shade, km2: number | undefined): number | null {
  if (shade === 'killed') return f.n > 0 && f.unknown === f.n ? null : f.best;
  if (shade === 'rate') return km2 ? (f.n / km2) * 1000 : null;
  return f.n;
}

/** changeOf is B minus A, B as if it had as many days as A; null where one of them is not known. */
export const changeOf = (a: number | null, b: number | null, daysA: number, daysB: number): number | null =>
  a === null || b === null ? null : (b * daysA) / daysB - a;

/** steps gives the ladder of the shading, 1 2 5 10 20 50 …, from least up to most. */
function ladder(least: number, most: number): number[] {
  const out: number[] = [];
  for (let f = least; f <= most; f *= 10)
    for (const s of [1, 2, 5]) if (s * f <= most * 1.000001) out.push(+(s * f).toPrecision(1));
  return out;
}

/**
 * changeBreaks gives the lowest change of the three classes each way: the first step of the ladder, the largest that
 * is not above the 95th percentile of what changed, and the one in their middle.
 */
export function changeBreaks(changes: Iterable<number | null>, least: number): [number, number, number] {
  const sizes: number[] = [];
  for (const c of changes) if (c !== null && Math.abs(c) >= least) sizes.push(Math.abs(c));
  sizes.sort((a, b) => a - b);
  const p = sizes.length ? sizes[Math.ceil(sizes.length * 0.95) - 1]! : 0;
  const l = ladder(least, Math.max(p, 5 * least));
  return [l[0]!, l[(l.length - 1) >> 1]!, l[l.length - 1]!];
}

/** changeClass is -3 to 3; 0 is a change smaller than the first step. */
export function changeClass(change: number, breaks: readonly number[]): number {
  const k = breaks.filter((b) => Math.abs(change) >= b - 1e-9).length;
  return change < 0 ? -k || 0 : k;
}

/** timeBefore are as many bars as the window has, just before it; or as many days, if it does not lie on bars. */
export function timeBefore(a: Day, b: Day, bars: Bars): [Day, Day] {
  const whole = barStart(a, bars) === a && barStart(b + 1, bars) === b + 1;
  return [whole ? addBars(a, 1 - edges(a, b, bars).length, bars) : 2 * a - b - 1, a - 1];
}

/** yearBefore are the same days a year before; 29 February becomes the 28th. */
export function yearBefore(a: Day, b: Day): [Day, Day] {
  const back = (d: Day) => {
    const p = parts(d);
    return ymd(p.y - 1, p.m, p.m === 2 ? Math.min(28, p.d) : p.d);
  };
  return [back(a), back(b)];
}
