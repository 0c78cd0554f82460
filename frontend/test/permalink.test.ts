import { describe, expect, it } from 'vitest';
import { ymd } from '../src/lib/dates';
import { PRECISIONS } from '../src/lib/vocab';
import { decode, encode, initial, nearestType, type State } from '../src/state/permalink';
import { random } from './naive';

describe('link', () => {
  it('restores everything', () => {
    const s: State = {
      ...initial(),
      from: ymd(2025, 10, 1),
      to: ymd(2025, 10, 31),
      axis: [ymd(2025, 1, 1), ymd(2025, 12, 31)],
      bars: 'week',
      cumulative: true,
      speed: 16,
      folded: true,
      types: new Set([0, 6, 1]),
      units: new Set(['pk-kp-kurram', 'af-kho']),
      provinces: new Set(['Khyber Pakhtunkhwa', 'Azad Jammu & Kashmir']),
      countries: new Set(['AF']),
      precisions: new Set(['exact', 'line']),
      datasets: new Set(['ged', 'my set', 'GED, 2025', 'a\\b']),
      min: 25,
      view: { lat: 33.4, lon: 70.6, zoom: 7.25 },
      incident: 'i3kq0v9s7d2mc',
      tab: 'list',
      only: { kind: 'unit', unit: 'pk-kp-kurram' },
      theme: 'dark',
      verifications: new Set(['confirmed', 'disputed']),
      subtypes: new Set(['Armed clash']),
      actor: 'TTP & others',
      near: 25,
      q: 'convoy "Kurram"',
      shade: 'rate',
      scale: [1, 2, 5, 10, 20, 50],
      compare: [ymd(2024, 10, 1), ymd(2024, 10, 31)],
      show: 'table',
      rows: 'incidents',
      sort: '-best',
      embed: true,
      lang: 'prs',
      numerals: true,
    };
    const { state, problems } = decode(`?${encode(s)}`);
    expect(problems).toEqual([]);
    expect(state).toEqual(s);
    expect(encode(initial())).toBe('');
  });

  it('names what it cannot mean, and never makes a number of nothing', () => {
    for (const [q, param] of [
      ['only=rows:1000000000000000000000', 'only'],
      ['only=rows:1e21', 'only'],
      ['q=%00', 'q'],
      ['actor=a%0Ab', 'actor'],
      ['map=,,5', 'map'],
      ['map=33,,5', 'map'],
    ]) {
      const { state, problems } = decode(`?${q}`);
      expect(problems.map((p) => p.param)).toEqual([param]);
      expect(encode(state)).toBe('');
    }
    // links of before: commas between values, as ever
    expect(decode('?dataset=ged,my+set').state.datasets).toEqual(new Set(['ged', 'my set']));
  });

  it('restores any mixture', () => {
    const r = random(11);
    const some = <T>(list: readonly T[]) => new Set(list.filter(() => r() < 0.3));
    for (let k = 0; k < 300; k++) {
      const a = 10000 + Math.floor(r() * 8000);
      const s: State = {
        ...initial(),
        from: r() < 0.5 ? a : null,
        to: r() < 0.5 ? a + Math.floor(r() * 900) : null,
        types: some([0, 1, 2, 3, 4, 5, 6]),
        precisions: some(PRECISIONS),
        units: some(['a-b', 'c']),
        min: r() < 0.5 ? Math.floor(r() * 300) : null,
        only: r() < 0.3 ? { kind: 'rows', fids: [1, 5, 9] } : r() < 0.5 ? { kind: 'none' } : null,
      };
      expect(decode(encode(s)).state).toEqual(s);
    }
  });

  it('keeps a place, however many incidents it has', () => {
    for (const only of [
      { kind: 'border' as const },
      { kind: 'border' as const, unit: 'pk-kp-kurram' },
      { kind: 'border' as const, but: ['pk-kp-bajaur', 'pk-kp-kurram'] },
      { kind: 'place' as const, box: [70.1, 33.7, 70.1, 33.7] as [number, number, number, number] },
      { kind: 'place' as const, box: [70.1, 33.7, 70.1234, 33.75] as [number, number, number, number] },
    ]) {
      const text = encode({ ...initial(), only });
      expect(decode(text).state.only).toEqual(only);
    }
    expect(encode({ ...initial(), only: { kind: 'place', box: [70.1, 33.7, 70.1, 33.7] } })).toBe(
      'only=place:70.1000,33.7000',
    );
    expect(decode('only=place:1,2,3').problems.length).toBe(1);
  });

  it('names what it cannot meet and keeps the rest', () => {
    const { state, problems } = decode(
      'event_type=Batles,Protests&datetime=2025-13-01/2025-10-31&bars=hour&min_fatalities=-1&map=1,2&nonsense=1&tab=list',
    );
    expect([...state.types]).toEqual([3]);
    expect(state.tab).toBe('list');
    expect(problems.map((p) => `${p.param}=${p.value}`)).toEqual([
      'event_type=Batles',
      'datetime=2025-13-01/2025-10-31',
      'bars=hour',
      'min_fatalities=-1',
      'map=1,2',
      'nonsense=1',
    ]);
    expect(nearestType('Batles')).toBe('Battles');
    expect(nearestType('xyz')).toBeNull();
  });

  it('takes open and single days', () => {
    expect(decode('datetime=../2010-12-31').state).toMatchObject({ from: null, to: ymd(2010, 12, 31) });
    expect(decode('datetime=2010-12-31').state).toMatchObject({ from: ymd(2010, 12, 31), to: ymd(2010, 12, 31) });
  });
});
