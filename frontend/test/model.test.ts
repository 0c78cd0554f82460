import { describe, expect, it } from 'vitest';
import { NOT_REPORTED } from '../src/lib/columns';
import { edges } from '../src/lib/dates';
import { N_TYPES, Spot } from '../src/lib/vocab';
import { type Filter, KILL_STEPS, Model, NO_FILTER } from '../src/state/model';
import { columns, header, random } from './naive';

const table = (...on: number[]) => {
  const a = new Uint8Array(256);
  for (const k of on) a[k] = 1;
  return a;
};
const FILTERS: Filter[] = [
  NO_FILTER,
  { ...NO_FILTER, types: table(0, 6) },
  { ...NO_FILTER, units: table(1), areas: table(1) },
  { ...NO_FILTER, min: 5, precisions: table(0, 1, 2) },
  { ...NO_FILTER, verifications: table(1, 255), subtypes: table(0, 2) },
  {
    types: table(0, 1, 2),
    units: table(0, 1),
    areas: null,
    precisions: table(0, 1, 2, 3),
    datasets: table(1),
    verifications: null,
    subtypes: table(0, 1, 255),
    min: 1,
  },
];

describe('window counting', () => {
  // Days before the year 1970 are days like any other: what is counted from is only where numbers begin.
  const { cols, rows: c } = columns(4000, 7, 13900);
  const h = header(4000);
  const m = new Model(h, cols, 0);
  const rows = Array.from({ length: c.n }, (_, i) => i);

  /** least is what "at least so many killed" tests; -1 where nothing is reported. */
  const least = (i: number) => {
    const v = c.best[i] !== NOT_REPORTED ? c.best[i]! : c.low[i]!;
    return v === NOT_REPORTED ? -1 : v;
  };

  /** passes leaves one facet out when asked to. */
  const passes = (f: Filter, i: number, but = '') =>
    (but === 'type' || !f.types || f.types[c.type[i]!]) &&
    (but === 'place' || !(f.units || f.areas) || f.units?.[c.unit[i]!] || f.areas?.[c.area[i]!]) &&
    (but === 'precision' || !f.precisions || f.precisions[c.precision[i]!]) &&
    (but === 'dataset' || !f.datasets || f.datasets[c.dataset[i]!]) &&
    (but === 'verification' || !f.verifications || f.verifications[c.verification[i]!]) &&
    (but === 'subtype' || !f.subtypes || f.subtypes[c.subtype[i]!]) &&
    (but === 'killed' || f.min === null || least(i) >= f.min);

  const compare = (f: Filter, a: number, b: number) => {
    const win = rows.filter((i) => c.start[i]! <= b && c.start[i]! + c.span[i]! >= a);
    const now = win.filter((i) => passes(f, i));
    const t = m.tally;
    const sum = (g: (i: number) => number, list = now) => list.reduce((s, i) => s + g(i), 0);
    const known = now.filter((i) => c.best[i] !== NOT_REPORTED);
    expect(t.total).toBe(now.length);
    expect(t.best).toBe(sum((i) => c.best[i]!, known));
    const both = now.filter((i) => c.low[i] !== NOT_REPORTED && c.high[i] !== NOT_REPORTED);
    expect([t.bounded, t.low, t.high]).toEqual([
      both.length,
      sum((i) => c.low[i]!, both),
      sum((i) => c.high[i]!, both),
    ]);
    expect(t.unknown).toBe(now.length - known.length);
    const silent = now.filter((i) => [c.best, c.low, c.high].every((v) => v[i] === NOT_REPORTED));
    expect(t.silent).toBe(silent.length);
    expect(t.unitSilent[1]).toBe(silent.filter((i) => c.unit[i] === 1).length);
    for (let u = 0; u < 4; u++) {
      expect(t.unit[u]).toBe(now.filter((i) => c.unit[i] === u).length);
      expect(t.killed[u]).toBe(
        sum(
          (i) => c.best[i]!,
          known.filter((i) => c.unit[i] === u),
        ),
      );
      expect(t.coarse[u]).toBe(now.filter((i) => c.unit[i] === u && c.spot[i] === Spot.UNIT).length);
      expect(t.border[u]).toBe(now.filter((i) => c.unit[i] === u && c.spot[i] === Spot.BORDER).length);
      expect(t.fUnit[u]).toBe(win.filter((i) => passes(f, i, 'place') && c.unit[i] === u).length);
    }
    for (const s of [Spot.PROVINCE, Spot.BORDER, Spot.COUNTRY, Spot.NONE])
      expect(t.spots(s)).toBe(now.filter((i) => c.spot[i] === s).length);
    for (let k = 0; k < N_TYPES; k++)
      expect(t.fType[k]).toBe(win.filter((i) => passes(f, i, 'type') && c.type[i] === k).length);
    for (let k = 0; k < 7; k++)
      expect(t.fPrecision[k]).toBe(win.filter((i) => passes(f, i, 'precision') && c.precision[i] === k).length);
    for (let k = 0; k < 2; k++)
      expect(t.fDataset[k]).toBe(win.filter((i) => passes(f, i, 'dataset') && c.dataset[i] === k).length);
    for (const k of [0, 1, 255])
      expect(t.fVerification[k]).toBe(
        win.filter((i) => passes(f, i, 'verification') && c.verification[i] === k).length,
      );
    for (const k of [0, 1, 2, 255])
      expect(t.fSubtype[k]).toBe(win.filter((i) => passes(f, i, 'subtype') && c.subtype[i] === k).length);
    let upwards = 0;
    for (let k = KILL_STEPS.length - 1; k >= 0; k--) {
      upwards += t.fKilled[k]!;
      expect(upwards).toBe(win.filter((i) => passes(f, i, 'killed') && least(i) >= KILL_STEPS[k]!).length);
    }
    const listed: number[] = [];
    m.eachInWindow((i) => listed.push(i));
    expect([...listed].sort((x, y) => x - y)).toEqual(now);
    for (let k = 1; k < listed.length; k++) expect(c.start[listed[k]!]!).toBeLessThanOrEqual(c.start[listed[k - 1]!]!);
  };

  it('equals the naive twin for any window, however it was reached', () => {
    const r = random(3);
    for (const f of FILTERS) {
      m.refilter(f);
      let a = 14000;
      let b = 14030;
      for (let step = 0; step < 25; step++) {
        // Small steps, which add and take away, and jumps, which count anew.
        if (r() < 0.7) {
          a += Math.floor(r() * 20) - 8;
          b = Math.max(a, b + Math.floor(r() * 20) - 8);
        } else {
          a = 13980 + Math.floor(r() * 760);
          b = a + Math.floor(r() * 200);
        }
        m.setWindow(a, b);
        compare(f, a, b);
      }
    }
  }, 30_000);

  it('an empty window has nothing, a wide one everything', () => {
    m.refilter(NO_FILTER);
    m.setWindow(1, 2);
    expect(m.tally.total).toBe(0);
    m.setWindow(0, 60000);
    expect(m.tally.total).toBe(c.n);
  });

  it('countIf lifts a filter or changes the days', () => {
    const f = FILTERS[5]!;
    m.refilter(f);
    const a = 14100;
    const b = 14200;
    const win = rows.filter((i) => c.start[i]! <= b && c.start[i]! + c.span[i]! >= a);
    expect(m.countIf(a, b, 0)).toBe(win.filter((i) => passes(f, i)).length);
    expect(m.countIf(a, b, 1)).toBe(win.filter((i) => passes(f, i, 'type')).length);
    expect(m.countIf(a, b, 255)).toBe(win.length);
  });

  it('bars hold every incident once', () => {
    m.refilter(NO_FILTER);
    for (const unit of ['day', 'week', 'month', 'year'] as const) {
      const e = edges(14000, 14800, unit);
      const h1 = m.histogram(e, unit);
      const all = h1.types.reduce((s, v) => s + v, 0) + h1.hatched.reduce((s, v) => s + v, 0);
      expect(all).toBeCloseTo(c.n, 6);
    }
  });
});
