// A naive twin of the model: one object per incident and a filter over all of them.
import { Columns, type ColumnsHeader, NOT_REPORTED } from '../src/lib/columns';
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
  origin: '1970-01-01',
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

/** Plain are rows as they are meant: an array for each thing that columns say, days since 1970. */
export interface Plain {
  n: number;
  fid: number[];
  start: number[];
  span: number[];
  best: number[];
  low: number[];
  high: number[];
  unit: number[];
  area: number[];
  type: number[];
  precision: number[];
  dataset: number[];
  verification: number[];
  subtype: number[];
  spot: number[];
}

/** numbered gives each of some entries its number in a table, in the order in which they come. */
function numbered(entries: number[][]): { table: number[][]; codes: number[] } {
  const of = new Map<string, number>();
  const table: number[][] = [];
  const codes = entries.map((e) => {
    const k = e.join();
    if (!of.has(k)) of.set(k, table.push(e) - 1);
    return of.get(k)!;
  });
  return { table, codes };
}

/** pack makes columns of plain rows; their days count from an origin. */
export function pack(r: Plain, origin = 0): Columns {
  const row = Array.from({ length: r.n }, (_, i) => i);
  const span = numbered(r.span.map((d) => [d]));
  const where = numbered(row.map((i) => [r.unit[i]!, r.area[i]!]));
  const kind = numbered(
    row.map((i) => [r.type[i]!, r.precision[i]!, r.dataset[i]!, r.verification[i]!, r.subtype[i]!, 0, r.spot[i]!]),
  );
  const deaths = numbered(row.map((i) => [r.best[i]!, r.low[i]!, r.high[i]!]));
  const c = new Columns(r.n, origin);
  c.tables.add({
    spans: span.table.map(([d]) => d!),
    wheres: where.table,
    kinds: kind.table,
    deaths: deaths.table,
  });
  c.fid.set(r.fid);
  c.start.set(r.start.map((d) => d - origin));
  c.span = Uint16Array.from(span.codes);
  c.where = Uint8Array.from(where.codes);
  c.kind = Uint16Array.from(kind.codes);
  c.deaths = Uint32Array.from(deaths.codes);
  return c;
}

/** columns makes n rows over some two years; a tenth of them last several days. */
export function columns(n: number, seed: number, origin = 0): { cols: Columns; rows: Plain } {
  const r = random(seed);
  const start = Array.from({ length: n }, () => 14000 + Math.floor(r() * 700)).sort((a, b) => a - b);
  const c: Plain = {
    n,
    fid: [],
    start,
    span: [],
    best: [],
    low: [],
    high: [],
    unit: [],
    area: [],
    type: [],
    precision: [],
    dataset: [],
    verification: [],
    subtype: [],
    spot: [],
  };
  for (let i = 0; i < n; i++) {
    c.fid[i] = i + 1;
    c.span[i] = r() < 0.1 ? 1 + Math.floor(r() * 60) : 0;
    c.best[i] = r() < 0.1 ? NOT_REPORTED : Math.floor(r() * 40);
    c.low[i] = c.best[i]!;
    c.high[i] = c.best[i] === NOT_REPORTED ? NOT_REPORTED : c.best[i]! + 2;
    // Some give only a bound.
    if (c.best[i] === NOT_REPORTED && i % 3 === 0) c.low[i] = i % 7;
    if (c.best[i] === NOT_REPORTED && i % 5 === 0) c.high[i] = 7 + (i % 7);
    // Others give no bound, or one of the two.
    if (c.best[i] !== NOT_REPORTED && i % 4 === 0) c.low[i] = NOT_REPORTED;
    if (c.best[i] !== NOT_REPORTED && i % 6 === 0) c.high[i] = NOT_REPORTED;
    c.unit[i] = r() < 0.1 ? 255 : Math.floor(r() * 4);
    c.type[i] = Math.floor(r() * N_TYPES);
    c.precision[i] = Math.floor(r() * 7);
    c.dataset[i] = Math.floor(r() * 2);
    c.verification[i] = [0, 1, 255][Math.floor(r() * 3)]!;
    c.subtype[i] = [0, 1, 2, 255][Math.floor(r() * 4)]!;
    c.area[i] = r() < 0.1 ? 255 : Math.floor(r() * 3);
    c.spot[i] = [Spot.POINT, Spot.UNIT, Spot.PROVINCE, Spot.BORDER, Spot.COUNTRY, Spot.NONE][Math.floor(r() * 6)]!;
  }
  return { cols: pack(c, origin), rows: c };
}
