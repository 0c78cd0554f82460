// A naive twin of the model: one object per incident and a filter over all of them.
import { allocate, type Columns, type ColumnsHeader, NOT_REPORTED } from '../src/lib/columns';
import { N_TYPES, Spot } from '../src/lib/vocab';

/** mulberry32, so that a failure can be repeated. */
export function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const header = (count: number): ColumnsHeader => ({
  count,
  change: 1,
  units: ['pk-kp-kurram', 'pk-kp-swat', 'af-kho', 'pk-pb'],
  event_types: ['Battles', 'Explosions/Remote violence', 'Protests'],
  precisions: ['exact', 'vicinity_25km', 'district', 'province', 'line', 'country', 'none'],
  places: ['point', 'circle', 'unit', 'units', 'province', 'border', 'country', 'none'],
  datasets: ['ged', 'demo'],
  areas: [
    { country: 'PK', province: 'Khyber Pakhtunkhwa' },
    { country: 'AF', province: 'Khost' },
    { country: 'PK', province: null },
  ],
  verifications: ['unverified', 'confirmed'],
  sub_event_types: ['Armed clash', 'Attack', 'Arrests'],
  first: null,
  last: null,
});

/** columns makes n rows over some two years; a tenth of them last several days. */
export function columns(n: number, seed: number): Columns {
  const r = random(seed);
  const c = allocate(n);
  const start = Array.from({ length: n }, () => 14000 + Math.floor(r() * 700)).sort((a, b) => a - b);
  for (let i = 0; i < n; i++) {
    c.fid[i] = i + 1;
    c.start[i] = start[i]!;
    c.span[i] = r() < 0.1 ? 1 + Math.floor(r() * 60) : 0;
    c.best[i] = r() < 0.1 ? NOT_REPORTED : Math.floor(r() * 40);
    c.low[i] = c.best[i]!;
    c.high[i] = c.best[i] === NOT_REPORTED ? NOT_REPORTED : c.best[i]! + 2;
    // Some give only a bound.
    if (c.best[i] === NOT_REPORTED && i % 3 === 0) c.low[i] = i % 7;
    if (c.best[i] === NOT_REPORTED && i % 5 === 0) c.high[i] = 7 + (i % 7);
    c.unit[i] = r() < 0.1 ? 255 : Math.floor(r() * 4);
    c.type[i] = Math.floor(r() * N_TYPES);
    c.precision[i] = Math.floor(r() * 7);
    c.dataset[i] = Math.floor(r() * 2);
    c.verification[i] = [0, 1, 255][Math.floor(r() * 3)]!;
    c.subtype[i] = [0, 1, 2, 255][Math.floor(r() * 4)]!;
    c.area[i] = r() < 0.1 ? 255 : Math.floor(r() * 3);
    c.spot[i] = [Spot.POINT, Spot.UNIT, Spot.PROVINCE, Spot.BORDER, Spot.COUNTRY, Spot.NONE][Math.floor(r() * 6)]!;
    c.lon[i] = 70;
    c.lat[i] = 33;
  }
  return c;
}
