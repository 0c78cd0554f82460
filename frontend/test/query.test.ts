import { expect, it } from 'vitest';
import { ymd } from '../src/lib/dates';
import { query } from '../src/out/query';
import { initial } from '../src/state/permalink';

const ask = (patch: Partial<ReturnType<typeof initial>>, since: string | null = null) =>
  Object.fromEntries(query({ ...initial(), ...patch }, null, since));

it('nothing chosen asks for everything', () => {
  expect(ask({})).toEqual({});
});

it('places of several kinds are joined by or, in one question', () => {
  const s = { units: new Set(['pk-kp-kurram', 'pk-kp-khyber']), provinces: new Set(['Balochistan']) };
  expect(ask({ ...s, countries: new Set(['AF']), types: new Set([0]) })).toEqual({
    event_type: 'Battles',
    filter: "(unit_id IN ('pk-kp-khyber','pk-kp-kurram') OR province IN ('Balochistan') OR country IN ('AF'))",
  });
  expect(ask({ units: s.units }).filter).toBe("unit_id IN ('pk-kp-khyber','pk-kp-kurram')");
});

it('a quotation mark in a name stays in the name', () => {
  expect(ask({ provinces: new Set(["x') OR (1=1"]) }).filter).toBe("province IN ('x'') OR (1=1')");
});

it('what the columns do not hold is not asked for', () => {
  expect(ask({ min: 0 })).toEqual({ min_fatalities: '0' });
  expect(ask({ min: 5, countries: new Set(['PK']) }, '1970-01-01')).toEqual({
    min_fatalities: '5',
    filter: "country IN ('PK') AND start_date >= DATE('1970-01-01')",
  });
});

it('the window goes with it, both days', () => {
  const q = query({ ...initial(), q: 'a b' }, [ymd(2025, 10, 1), ymd(2025, 10, 31)], null);
  expect(Object.fromEntries(q)).toEqual({ q: 'a b', datetime: '2025-10-01/2025-10-31' });
});
