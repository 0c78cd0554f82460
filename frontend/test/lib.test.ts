import { describe, expect, it } from 'vitest';
import type { Incident } from '../src/api/client';
import { breaks, classOf, needsRefit, percentile95, SMALLEST } from '../src/lib/breaks';
import { addBars, barIndex, barStart, edges, fmtRange, iso, parseDate, parseIso, ymd } from '../src/lib/dates';
import { compact, esc, safeUrl } from '../src/lib/text';
import { precisionClass, Spot, spotOf, typeIndex } from '../src/lib/vocab';
import { days, title } from '../src/panel/describe';
import { cover, merge } from '../src/state/app';
import { niceTop } from '../src/time/scale';

describe('breaks', () => {
  it('shades rates on the same ladder, from a tenth', () => {
    expect(breaks([0, 0.05, 0.3], 10)).toEqual([0.1, 0.2, 0.5, 1, 2, 5]);
    expect(
      breaks(
        Array.from({ length: 100 }, (_, i) => i * 0.3),
        10,
      ),
    ).toEqual([0.1, 0.5, 2, 5, 10, 20]);
    expect(classOf(0.03, [0.1, 0.2, 0.5, 1, 2, 5])).toBe(1);
  });
  it('leaves out units of which no deaths are known', () => {
    expect(breaks([null, 3, 1, null])).toEqual(SMALLEST);
    expect(percentile95([null, null])).toBe(0);
    expect(needsRefit([null, null, 0], SMALLEST)).toBe(false);
  });
  it('are six of the ladder, 1 always among them', () => {
    expect(breaks([0, 0, 0])).toEqual([1, 2, 5, 10, 20, 50]);
    expect(breaks([1, 2, 3])).toEqual([1, 2, 5, 10, 20, 50]);
    expect(breaks(Array.from({ length: 100 }, (_, i) => i * 1.2))).toEqual([1, 5, 10, 20, 50, 100]);
    expect(breaks(Array.from({ length: 100 }, (_, i) => i * 3))).toEqual([1, 5, 20, 50, 100, 200]);
    expect(breaks(Array.from({ length: 100 }, (_, i) => i * 6))).toEqual([1, 20, 50, 100, 200, 500]);
    for (let max = 1; max < 3e6; max = Math.ceil(max * 1.7)) {
      const b = breaks(Array.from({ length: 40 }, (_, i) => Math.ceil((max * (i + 1)) / 40)));
      expect(b).toHaveLength(6);
      expect(b[0]).toBe(1);
      expect([...b].sort((x, y) => x - y)).toEqual(b);
    }
  });
  it('class 0 is zero alone', () => {
    const b = [1, 5, 20, 50, 100, 200];
    expect([0, 1, 4, 5, 199, 200, 9e9].map((n) => classOf(n, b))).toEqual([0, 1, 1, 2, 5, 6, 6]);
  });
  it('are fitted again when the top class is empty or too full', () => {
    const b = [1, 2, 5, 10, 20, 50];
    expect(needsRefit([0, 0], b)).toBe(false);
    expect(needsRefit([1, 2, 60, 4, 5], b)).toBe(false);
    expect(needsRefit([1, 2, 3], b)).toBe(true);
    expect(needsRefit([60, 60, 1], b)).toBe(true);
  });
  it('percentile counts only units with incidents', () => {
    expect(percentile95([0, 0, 0, 7])).toBe(7);
  });
});

describe('dates', () => {
  it('read what people type', () => {
    expect(iso(parseDate('1 Oct 2025')!)).toBe('2025-10-01');
    expect(iso(parseDate('october 2025')!)).toBe('2025-10-01');
    expect(iso(parseDate('Oct 2025', true)!)).toBe('2025-10-31');
    expect(iso(parseDate('2024-02', true)!)).toBe('2024-02-29');
    expect(iso(parseDate(' 2009 ', true)!)).toBe('2009-12-31');
    for (const bad of ['', 'x', '31 Feb 2009', '2009-13', '2009-02-30', '1 Okt 2009'])
      expect(parseDate(bad)).toBeNull();
    expect(parseIso('2023-02-29')).toBeNull();
  });
  it('bars begin where calendars begin', () => {
    expect(iso(barStart(ymd(2025, 10, 17), 'week'))).toBe('2025-10-13');
    expect(iso(barStart(ymd(2025, 10, 17), 'month'))).toBe('2025-10-01');
    expect(iso(addBars(ymd(2025, 1, 1), -1, 'month'))).toBe('2024-12-01');
    const e = edges(ymd(2025, 1, 15), ymd(2025, 3, 2), 'month');
    expect([...e].map(iso)).toEqual(['2025-01-01', '2025-02-01', '2025-03-01', '2025-04-01']);
    expect(barIndex(e, ymd(2025, 2, 28))).toBe(1);
    expect(barIndex(e, ymd(2025, 4, 1))).toBe(-1);
  });
  it('ranges are short but clear', () => {
    expect(fmtRange(ymd(2025, 10, 11), ymd(2025, 10, 12))).toBe('11–12 Oct 2025');
    expect(fmtRange(ymd(2009, 1, 1), ymd(2009, 3, 31))).toBe('1 Jan – 31 Mar 2009');
    expect(fmtRange(ymd(2009, 1, 1), ymd(2010, 12, 31))).toBe('1 Jan 2009 – 31 Dec 2010');
    expect(days(ymd(2008, 10, 1), ymd(2008, 10, 31), true)).toBe('some day in Oct 2008');
    expect(days(ymd(2008, 1, 1), ymd(2008, 12, 31), true)).toBe('some day in 2008');
  });
});

describe('text and vocabularies', () => {
  it('escapes', () => {
    expect(esc('<img src=x onerror="a">\'&')).toBe('&lt;img src=x onerror=&quot;a&quot;&gt;&#39;&amp;');
    expect(safeUrl('javascript:alert(1)')).toBeNull();
    expect(safeUrl('https://example.org/a')).toBe('https://example.org/a');
    expect([999, 1000, 1234, 12345].map(compact)).toEqual(['999', '1.0k', '1.2k', '12k']);
  });
  it('types and precisions', () => {
    expect(typeIndex('explosions/remote Violence')).toBe(1);
    expect(typeIndex(null)).toBe(6);
    expect(typeIndex('Batles')).toBe(-1);
    expect(precisionClass('settlement')).toBe(0);
    expect(precisionClass('tehsil')).toBe(2);
  });
  it('only points become pins', () => {
    expect(spotOf('point', true, true, true, true)).toBe(Spot.POINT);
    expect(spotOf('point', false, true, true, true)).toBe(Spot.UNIT);
    // A district's label point is no place of an incident.
    expect(spotOf('unit', true, true, true, true)).toBe(Spot.UNIT);
    expect(spotOf('units', true, false, true, true)).toBe(Spot.PROVINCE);
    // One known unit of its day is a place of its own, as is a tehsil within its district.
    expect(spotOf('units', true, true, true, true)).toBe(Spot.UNIT);
    expect(spotOf('subunit', true, true, true, true)).toBe(Spot.UNIT);
    expect(spotOf('subunit', true, false, true, true)).toBe(Spot.PROVINCE);
    expect(spotOf('border', true, true, true, true)).toBe(Spot.BORDER);
    expect(spotOf('country', true, false, false, true)).toBe(Spot.COUNTRY);
    expect(spotOf('none', true, false, false, false)).toBe(Spot.NONE);
  });
  it("a source's headline stands in quotation marks, words of ours do not", () => {
    const p = { summary: 'Bomb kills 3', sources: [{ title: 'Bomb kills 3 ' }], event_type: 'Battles' } as Incident;
    expect(title(p)).toBe('“Bomb kills 3”');
    expect(title({ ...p, sources: [] })).toBe('Bomb kills 3');
    expect(title({ ...p, summary: null, actor1: 'Government of Pakistan', actor2: 'TTP', location_name: 'Wana' })).toBe(
      'Clash: Pakistan – TTP, Wana',
    );
  });
});

describe('coverage', () => {
  it('zero is not the same as nothing loaded', () => {
    const list = merge([
      [10, 20],
      [21, 30],
      [50, 60],
    ]);
    expect(list).toEqual([
      [10, 30],
      [50, 60],
    ]);
    expect(cover(list, 12, 18).state).toBe('full');
    expect(cover(list, 31, 49).state).toBe('none');
    expect(cover(list, 25, 55)).toEqual({ state: 'part', from: 25, to: 55, gap: true });
    expect(cover(list, 5, 20)).toMatchObject({ state: 'part', gap: false });
    expect(cover(list, 12, 18).gap).toBe(false);
  });
});

describe('scale of the bars', () => {
  it('is the first step that holds the highest bar', () => {
    expect([0, 4, 5, 121, 801, 1001, 45000].map(niceTop)).toEqual([4, 4, 5, 150, 1000, 1200, 50000]);
  });
});
