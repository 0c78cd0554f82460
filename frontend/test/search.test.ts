import { describe, expect, it } from 'vitest';
import type { PlaceAnswer, PlaceCandidate, UnitFeature } from '../src/api/client';
import { optionsOf } from '../src/panel/search';
import type { App } from '../src/state/app';

const unit = (id: string, name: string, kind: string, country: string, province: string) => ({
  id,
  name,
  kind,
  country,
  province,
});
const units = [
  unit('pk-kp-khyber', 'Khyber', 'district', 'PK', 'Khyber Pakhtunkhwa'),
  unit('pk-kp-kurram', 'Kurram', 'district', 'PK', 'Khyber Pakhtunkhwa'),
  unit('af-nan', 'Nangarhar', 'province', 'AF', 'Nangarhar'),
];
const others: Record<string, Partial<UnitFeature['properties']>> = {
  'pk-kp-khyber-landi-kotal': {
    id: 'pk-kp-khyber-landi-kotal',
    name: 'Landi Kotal',
    kind: 'tehsil',
    units: ['pk-kp-khyber'],
  },
  'pk-kp-old': { id: 'pk-kp-old', name: 'Old', kind: 'agency', units: ['pk-kp-khyber', 'pk-kp-kurram'], part: false },
};
const app = {
  unitById: new Map(units.map((u) => [u.id, u])),
  unitName: (id: string) => units.find((u) => u.id === id)?.name ?? 'Old (until 2018)',
  provinceName: (name: string) => name,
  place: async (id: string) =>
    others[id]
      ? {
          type: 'Feature',
          geometry: id === 'pk-kp-old' ? null : { type: 'Polygon', coordinates: [] },
          properties: others[id],
        }
      : null,
} as unknown as App;
const candidate = (c: Partial<PlaceCandidate>): PlaceCandidate => ({
  unit_id: 'pk-kp-khyber',
  name: 'Khyber',
  place: null,
  local: null,
  kind: 'unit',
  subunit_id: null,
  precision: 'district',
  score: 1,
  reasons: [],
  field: null,
  span: null,
  lon: null,
  lat: null,
  ...c,
});
const answer = (a: Partial<PlaceAnswer>): PlaceAnswer => ({
  status: 'placed',
  unit_id: null,
  name: null,
  precision: 'district',
  lon: null,
  lat: null,
  units: [],
  country: null,
  province: null,
  candidates: [],
  ...a,
});

describe('what the search offers', () => {
  it('a crossing of two units is one place', () => {
    const at = { place: 'Torkham', kind: 'crossing', lon: 71.1, lat: 34.1 };
    const o = optionsOf(
      app,
      answer({ candidates: [candidate(at), candidate({ ...at, unit_id: 'af-nan', name: 'Nangarhar' })] }),
    );
    expect(o).toHaveLength(1);
    expect(o[0]!.where).toBe('Khyber, Khyber Pakhtunkhwa, Pakistan / Nangarhar, Afghanistan');
  });
  it('two places of one name stay two', () => {
    const o = optionsOf(
      app,
      answer({
        candidates: [
          candidate({ place: 'Jani Khel', kind: 'settlement', lon: 70, lat: 33 }),
          candidate({ place: 'Jani Khel', kind: 'settlement', lon: 69, lat: 33, unit_id: 'af-nan', name: 'Nangarhar' }),
        ],
      }),
    );
    expect(o).toHaveLength(2);
  });
  it('a position is shown only where one is known', async () => {
    const [town, area, district] = optionsOf(
      app,
      answer({
        candidates: [
          candidate({ place: 'Landi Kotal', kind: 'settlement', lon: 71.1, lat: 34.1 }),
          candidate({ place: 'Bazar Valley', kind: 'area', subunit_id: 'pk-kp-khyber-landi-kotal' }),
          candidate({ lon: 71.1, lat: 34.1 }),
        ],
      }),
    );
    expect((await town!.find()).at).toEqual([34.1, 71.1]);
    const shown = await area!.find();
    expect(shown.at).toBeNull();
    expect(shown.shapes).toHaveLength(1);
    expect(shown.note).toBe('The position of Bazar Valley is not known. Shown: tehsil Landi Kotal.');
    expect(await district!.find()).toMatchObject({ at: null, units: ['pk-kp-khyber'], note: null });
  });
  it('an area without a tehsil is shown as its district', async () => {
    const [o] = optionsOf(app, answer({ candidates: [candidate({ place: 'Tirah', kind: 'area' })] }));
    expect(await o!.find()).toMatchObject({
      at: null,
      units: ['pk-kp-khyber'],
      note: 'The position of Tirah is not known. Shown: district Khyber.',
    });
  });
  it('a former unit is shown as its units of today', async () => {
    const [o] = optionsOf(
      app,
      answer({ candidates: [candidate({ unit_id: 'pk-kp-old', name: 'Old', kind: 'former' })] }),
    );
    expect(o!.kind).toBe('Former unit');
    expect(await o!.find()).toMatchObject({
      name: 'Old (until 2018)',
      at: null,
      units: ['pk-kp-khyber', 'pk-kp-kurram'],
      note: 'Shown as what it is today: Khyber, Kurram.',
    });
  });
  it('a province or a country is offered where no unit is known', async () => {
    const [o] = optionsOf(
      app,
      answer({ status: 'unknown', precision: 'province', country: 'PK', province: 'Khyber Pakhtunkhwa' }),
    );
    expect(o!.name).toBe('Khyber Pakhtunkhwa');
    expect((await o!.find()).units).toEqual(['pk-kp-khyber', 'pk-kp-kurram']);
    expect(optionsOf(app, answer({ status: 'unknown', precision: 'none' }))).toEqual([]);
  });
});
