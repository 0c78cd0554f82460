// Counts by place of any window against a filter over all rows, and what two windows differ by.
import { describe, expect, it } from 'vitest';
import { NO_UNIT, NOT_REPORTED } from '../src/lib/columns';
import { ymd } from '../src/lib/dates';
import {
  changeBreaks,
  changeClass,
  changeOf,
  restKey,
  Sums,
  timeBefore,
  value,
  yearBefore,
} from '../src/state/compare';
import { Model, NO_FILTER } from '../src/state/model';
import { columns, header, random } from './naive';

describe('sums by place', () => {
  const { cols, rows: c } = columns(3000, 21);
  const m = new Model(header(3000), cols, 0);
  const sums = new Sums();
  const placeOf = (i: number) => (c.unit[i] !== NO_UNIT ? c.unit[i]! : restKey(c.spot[i]!, c.area[i]!));

  const least = (i: number) => {
    const v = c.best[i] !== NOT_REPORTED ? c.best[i]! : c.low[i]!;
    return v === NOT_REPORTED ? -1 : v;
  };

  const check = (a: number, b: number, min: number | null) => {
    const rows = Array.from({ length: c.n }, (_, i) => i).filter(
      (i) => c.start[i]! <= b && c.start[i]! + c.span[i]! >= a && (min === null || least(i) >= min),
    );
    const places = new Set(rows.map(placeOf));
    for (const p of places) {
      const here = rows.filter((i) => placeOf(i) === p);
      const gives = (of: number[]) => here.filter((i) => of[i] !== NOT_REPORTED);
      const sum = (of: number[], list = gives(of)) => list.reduce((s, i) => s + of[i]!, 0);
      const both = gives(c.low).filter((i) => c.high[i] !== NOT_REPORTED);
      expect(sums.at(p)).toMatchObject({
        n: here.length,
        best: sum(c.best),
        low: sum(c.low),
        high: sum(c.high),
        noLow: here.length - gives(c.low).length,
        unknown: here.length - gives(c.best).length,
        noHigh: here.length - gives(c.high).length,
        bounded: both.length,
        from: sum(c.low, both),
        to: sum(c.high, both),
        silent: here.filter((i) => [c.best, c.low, c.high].every((v) => v[i] === NOT_REPORTED)).length,
      });
    }
    expect(sums.total.n).toBe(rows.length);
  };

  it('agree with a filter over all rows, step by step', () => {
    const r = random(3);
    m.refilter(NO_FILTER);
    let fresh = true;
    let a = 14100;
    for (let k = 0; k < 40; k++) {
      a += Math.floor(r() * 60) - 25;
      const b = a + Math.floor(r() * 200);
      sums.count(m, a, b, fresh);
      fresh = false;
      check(a, b, null);
    }
    m.refilter({ ...NO_FILTER, min: 10 });
    sums.count(m, a, a + 90, true);
    check(a, a + 90, 10);
  });

  it('say the same as the tally of the window', () => {
    m.refilter(NO_FILTER);
    m.setWindow(14050, 14300);
    sums.count(m, 14050, 14300, true);
    const { tally: t } = m;
    expect(sums.total).toMatchObject({
      n: t.total,
      from: t.low,
      best: t.best,
      to: t.high,
      unknown: t.unknown,
      silent: t.silent,
      bounded: t.bounded,
      huge: t.huge,
    });
    for (let u = 0; u < 4; u++) expect(sums.at(u)).toMatchObject({ n: t.unit[u], best: t.killed[u] });
  });
});

describe('change', () => {
  const f = {
    ...{ n: 6, low: 1, best: 9, high: 12, noLow: 2, unknown: 2, noHigh: 2 },
    ...{ silent: 1, bounded: 4, from: 1, to: 12, huge: 0 },
  };
  it('is B minus A for as many days', () => {
    expect(changeOf(10, 10, 31, 31)).toBe(0);
    expect(changeOf(4, 3, 30, 15)).toBe(2);
    expect(changeOf(null, 3, 30, 15)).toBeNull();
    expect(value(f, 'count', undefined)).toBe(6);
    expect(value(f, 'killed', undefined)).toBe(9);
    expect(value({ ...f, unknown: 6 }, 'killed', 1)).toBeNull();
    expect(value({ ...f, n: 0, unknown: 0, best: 0 }, 'killed', 1)).toBe(0);
    expect(value(f, 'rate', 2000)).toBe(3);
    expect(value(f, 'rate', undefined)).toBeNull();
  });
  it('has three classes each way on the ladder', () => {
    expect(changeBreaks([], 1)).toEqual([1, 2, 5]);
    expect(changeBreaks([3, -4, null, 0], 1)).toEqual([1, 2, 5]);
    expect(changeBreaks([...Array(40).keys()], 1)).toEqual([1, 5, 20]);
    expect(changeBreaks([0.2, -0.7, 1.1], 0.1)).toEqual([0.1, 0.2, 1]);
    expect([-30, -5, -4, -0.5, 0, 0.9, 1, 19, 20].map((v) => changeClass(v, [1, 5, 20]))).toEqual([
      -3, -2, -1, 0, 0, 0, 1, 2, 3,
    ]);
  });
  it('finds the windows of the presets', () => {
    expect(timeBefore(ymd(2025, 10, 1), ymd(2025, 10, 31), 'month')).toEqual([ymd(2025, 9, 1), ymd(2025, 9, 30)]);
    expect(timeBefore(ymd(2025, 10, 3), ymd(2025, 10, 12), 'month')).toEqual([ymd(2025, 9, 23), ymd(2025, 10, 2)]);
    expect(timeBefore(ymd(2025, 1, 1), ymd(2025, 3, 31), 'month')).toEqual([ymd(2024, 10, 1), ymd(2024, 12, 31)]);
    expect(yearBefore(ymd(2024, 2, 29), ymd(2024, 3, 31))).toEqual([ymd(2023, 2, 28), ymd(2023, 3, 31)]);
  });
});
