// More incidents than a page can hold: the server counts. The views ask as they ask a model; it answers with what came
// last and asks for the rest, and an answer to a question that is no longer asked is dropped.

import { getJson, getMatched, reader } from '../api/client';
import { type ColumnsHeader, NO_UNIT, NOT_STATED } from '../lib/columns';
import { type Bars, type Day, iso, parseIso } from '../lib/dates';
import { layers, type TilePoint } from '../lib/mvt';
import { N_TYPES, NO_TYPE, Spot, TYPES, typeIndex } from '../lib/vocab';
import { query } from '../out/query';
import { worldSize } from '../space/mercator';
import type { Change } from '../state/app';
import { PLACES as KEYS, restKey, WIDTH } from '../state/compare';
import { type Group, KILL_STEPS, Model, Tally } from '../state/model';
import { initial, list, type State } from '../state/permalink';
import { Pages } from './pages';
import { Question } from './question';
import { ROOM, Rows } from './rows';

interface Row {
  [key: string]: string | number | null;
  count: number;
  fatalities_low: number | null;
  fatalities_best: number | null;
  fatalities_high: number | null;
  fatalities_unknown: number;
  fatalities_low_unknown: number;
  fatalities_high_unknown: number;
}
type Reset = Partial<Pick<State, 'types' | 'precisions' | 'datasets' | 'verifications' | 'subtypes' | 'min'>>;
type Days = [Day, Day];
type Layers = Record<string, TilePoint[]>;
const PLACES = ['units', 'provinces', 'countries'] as const;
/** more incidents in view than this are shown as clusters of the server, at any zoom */
const MOST_POINTS = 30_000;
/** the last zoom with clusters (docs/api.md, "Tiles") */
const CLUSTERS = 6;
/** below this zoom the server's clusters are as fine as those of the page */
const SINGLES = 7.5;

/** low–high is told of what gives both */
const BOUNDED = 'fatalities_low IS NOT NULL AND fatalities_high IS NOT NULL';
const SILENT = 'fatalities_best IS NULL AND fatalities_low IS NULL AND fatalities_high IS NULL';

export class Served extends Model {
  override remote = true;
  override seen: object = {};
  override groups: Group[] | null = null;
  rows: Rows;
  private counting: Question<() => void>;
  private viewing: Question<() => void>;
  private bars = { types: new Float64Array(0) };
  private barring: Question<() => void>;
  private sums: { key: string; all: Float64Array | null; question: Question<Float64Array> }[] = [];

  /** moving says whether the brush moves; changed is called when an answer has come */
  constructor(
    header: ColumnsHeader,
    private state: () => State,
    readonly moving: () => boolean,
    readonly changed: (what: keyof Change) => void,
  ) {
    const rows = new Rows(header);
    super(header, rows.cols, 0);
    this.rows = rows;
    this.fail = new Uint8Array(ROOM).fill(1);
    const put = (what: keyof Change) => (answer: () => void) => {
      answer();
      changed(what);
    };
    this.counting = new Question(moving, put('window'));
    this.viewing = new Question(moving, put('view'));
    this.barring = new Question(moving, put('filter'));
  }

  override get extent(): Days | null {
    const [a, b] = [this.header.first, this.header.last].map((d) => (d ? parseIso(d.slice(0, 10)) : null));
    return a == null || b == null ? null : [a, b];
  }
  override get count(): number {
    return this.header.count;
  }
  override startAt(): Day {
    return this.extent?.[0] ?? 0;
  }
  override refilter(): void {}
  override rowOf(fid: number): number {
    return this.rows.row(fid);
  }
  override text(fid: number) {
    return this.rows.text(fid);
  }
  override pages(): Pages {
    return new Pages(this);
  }
  get days(): Days {
    return [this.from, this.to];
  }

  // ---- questions

  /** params ask for just the incidents that the columns would hold and the filters let through. */
  params(days: Days | null, s = this.state()): URLSearchParams {
    const h = this.header;
    const q = query(s, days, h.before_origin ? h.origin : null);
    // Of some datasets only counts may be shown: the columns leave them out.
    if (h.withheld?.length && !s.datasets.size) q.set('dataset', list(h.datasets));
    return q;
  }
  /** and adds a condition. */
  and(q: URLSearchParams, condition: string): URLSearchParams {
    const old = q.get('filter');
    if (condition) q.set('filter', old ? `(${old}) AND (${condition})` : condition);
    return q;
  }
  async aggregate(q: URLSearchParams, by: string, signal: AbortSignal): Promise<Row[]> {
    const p = new URLSearchParams(q);
    p.set('by', by);
    return (await getJson<{ rows: Row[] }>(`./aggregates?${p}`, signal)).rows;
  }
  private async tile(z: number, row: number, col: number, q: URLSearchParams, signal: AbortSignal): Promise<Layers> {
    const r = await fetch(`./collections/incidents/tiles/WebMercatorQuad/${z}/${row}/${col}?${q}`, {
      signal,
      headers: reader.headers(),
    });
    if (!r.ok) throw new Error(r.statusText);
    return layers(new Uint8Array(await r.arrayBuffer()));
  }
  /** area is the index of a province or, without one, of a country. */
  private area(country: unknown, province: unknown): number {
    const of = this.header.areas;
    const i = of.findIndex((a) => a.country === country && (a.province ?? null) === (province ?? null));
    return (i < 0 && !province ? of.findIndex((a) => a.country === country) : i) & 255;
  }

  /** counted counts a window by place, in the order of compare.ts. In short, bounds are left out: they cost more questions than a moving brush may ask. */
  private async counted(days: Days, short: boolean, signal: AbortSignal): Promise<Float64Array> {
    const all = new Float64Array(KEYS * WIDTH);
    const fill = async (by: string, where: string, key: (r: Row) => number) => {
      const ask = (more: string) => {
        const q = this.params(days);
        this.and(q, where);
        this.and(q, more);
        return this.aggregate(q, by, signal);
      };
      const [base, silent, both = []] = await Promise.all(['', SILENT, ...(short ? [] : [BOUNDED])].map(ask));
      const add = (r: Row, k: number, n: number | null) => {
        all[key(r) * WIDTH + k]! += n ?? 0;
      };
      for (const r of base!) {
        add(r, 0, r.count);
        add(r, 1, r.fatalities_low);
        add(r, 2, r.fatalities_best);
        add(r, 3, r.fatalities_high);
        add(r, 4, r.fatalities_low_unknown);
        add(r, 5, r.fatalities_unknown);
        add(r, 6, r.fatalities_high_unknown);
      }
      for (const r of silent!) add(r, 7, r.count);
      for (const r of both) {
        add(r, 8, r.count);
        add(r, 9, r.fatalities_low);
        add(r, 10, r.fatalities_high);
      }
      return base!;
    };
    const { units } = this.header;
    const rest = 'country,province,precision';
    await Promise.all([
      fill('unit', 'unit_id IS NOT NULL', (r) => {
        const u = units.indexOf(String(r.unit));
        return u < 0 ? restKey(Spot.POINT, 255) : u;
      }),
      fill(rest, 'unit_id IS NULL', (r) => {
        const coarse = r.province ? Spot.PROVINCE : r.country ? Spot.COUNTRY : Spot.NONE;
        const spot =
          (
            { province: coarse, tehsil: coarse, district: coarse, line: Spot.BORDER, none: Spot.NONE } as Record<
              string,
              Spot
            >
          )[String(r.precision)] ??
          (/region|country/.test(String(r.precision)) ? (r.country ? Spot.COUNTRY : Spot.NONE) : Spot.POINT);
        return restKey(spot, this.area(r.country, r.province));
      }),
    ]);
    return all;
  }

  // ---- the window

  override setWindow(a: Day, b: Day): Promise<void> {
    this.from = a;
    this.to = b;
    const short = this.moving();
    const q = this.params([a, b]);
    return this.counting.want(`${q}|${short}`, async (signal) => {
      const [all, world, facets] = await Promise.all([
        this.counted([a, b], short, signal),
        this.tile(0, 0, 0, q, signal),
        short ? null : this.ask([a, b], signal),
      ]);
      return () => {
        const was = this.tally;
        const t = new Tally();
        this.tally = t;
        for (let k = 0; k < KEYS; k++) {
          const [n, , best, , , unknown, , silent, bounded, low, high] = all.subarray(k * WIDTH) as unknown as number[];
          if (!n) continue;
          t.total += n;
          t.best += best!;
          t.unknown += unknown!;
          t.silent += silent!;
          t.bounded += bounded!;
          t.low += low!;
          t.high += high!;
          const u = k < NO_UNIT ? k : NO_UNIT;
          t.unit[u]! += n;
          t.killed[u]! += best!;
          t.unitUnknown[u]! += unknown!;
          t.unitSilent[u]! += silent!;
        }
        this.spots(t, world);
        if (facets) for (const f of facets) f(t);
        // While the brush moves the filters keep their counts.
        else
          for (const k of [
            'fType',
            'fSubtype',
            'fUnit',
            'fArea',
            'fPrecision',
            'fKilled',
            'fDataset',
            'fVerification',
          ] as const)
            t[k] = was[k];
      };
    });
  }

  /** spots counts what has no point: badges say of what, and what is neither point nor badge has no place. */
  private spots(t: Tally, world: Layers): void {
    let placed = 0;
    for (const { p } of world.clusters ?? []) placed += Number(p.count);
    for (const { p } of world.badges ?? []) {
      const n = Number(p.count);
      // What may be in either country has no place here, and a mark on the line in the tile.
      if (p.place_kind === 'units' && !p.country) continue;
      placed += n;
      const u = this.header.units.indexOf(String(p.unit_id));
      if (u >= 0) t.coarse[u]! += n;
      else {
        const spot = p.place_kind === 'border' ? Spot.BORDER : p.province ? Spot.PROVINCE : Spot.COUNTRY;
        t.spotArea[(spot << 8) | this.area(p.country, p.province)]! += n;
      }
    }
    t.spotArea[(Spot.NONE << 8) | 255]! = Math.max(0, t.total - placed);
  }

  /** figures asks for what it does not have; till the answer comes, what is there stays. */
  override figures(to: Float64Array, a: Day, b: Day): boolean {
    const key = `${this.params([a, b])}`;
    // There are at most three: the table's, and two that are compared.
    let s = this.sums.find((o) => o.key === key);
    if (!s) {
      if (this.sums.length > 2) this.sums.shift();
      const made: (typeof this.sums)[number] = {
        key,
        all: null,
        question: new Question(
          (): boolean => this.moving(),
          (all) => {
            made.all = all;
            this.changed('ui');
          },
        ),
      };
      this.sums.push(made);
      s = made;
    }
    void s.question.want(key, (signal) => this.counted([a, b], false, signal));
    if (s.all) to.set(s.all);
    return !!s.all;
  }

  // ---- what is in view

  /** look asks for what is in view: each incident, or clusters where they are too many. left and top are world pixels. */
  override look(zoom: number, left: number, top: number, width: number, height: number): void {
    const days = this.days;
    const q = this.params(days);
    const size = worldSize(zoom);
    const range = (z: number) => {
      const at = (px: number) => Math.max(0, Math.min(2 ** z - 1, Math.floor((px / size) * 2 ** z)));
      return [at(left), at(top), at(left + width), at(top + height)] as const;
    };
    const fine = zoom < SINGLES ? CLUSTERS : Math.max(CLUSTERS + 1, Math.floor(zoom) - 1);
    const [x0, y0, x1, y1] = range(fine);
    void this.viewing.want(`${q}|${fine}|${x0},${y0},${x1},${y1}`, async (signal) => {
      let z = fine;
      if (z > CLUSTERS) {
        const lon = (x: number) => (x / 2 ** z) * 360 - 180;
        const lat = (y: number) => (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / 2 ** z))) * 180) / Math.PI;
        const box = new URLSearchParams(q);
        box.set('bbox', [lon(x0), lat(y1 + 1), lon(x1 + 1), lat(y0)].join());
        if ((await getMatched(box, signal)) > MOST_POINTS) z = CLUSTERS;
      }
      const [c0, r0, c1, r1] = range(z);
      const asked: Promise<{ col: number; row: number; of: Layers }>[] = [];
      for (let row = r0; row <= r1; row++)
        for (let col = c0; col <= c1; col++)
          asked.push(this.tile(z, row, col, q, signal).then((of) => ({ col, row, of })));
      const tiles = await Promise.all(asked);
      return () => this.show(z, tiles);
    });
  }

  private show(z: number, tiles: { col: number; row: number; of: Layers }[]): void {
    const side = 2 ** z;
    const each = (layer: string, visit: (f: TilePoint, x: number, y: number) => void) => {
      for (const { col, row, of } of tiles)
        for (const f of of[layer] ?? []) visit(f, (col + f.x) / side, (row + f.y) / side);
    };
    this.fail.fill(1);
    this.groups = null;
    if (z > CLUSTERS) {
      const more = tiles.reduce((n, { of }) => n + (of.incidents?.length ?? 0), 0);
      if (this.cols.n + more > ROOM) {
        this.rows = new Rows(this.header);
        this.cols = this.rows.cols;
        this.changed('data'); // numbers of rows are others now
      }
      each('incidents', (f, x, y) => {
        this.fail[this.rows.point(f, x, y)] = 0;
      });
    } else {
      const groups: Group[] = [];
      each('clusters', ({ p }, x, y) => {
        const n = Number(p.count);
        const t = Array.from({ length: N_TYPES }, (_, k) => Number(p[TYPES[k]!] ?? 0));
        t[NO_TYPE] = n - t.reduce((a, b) => a + b, 0);
        groups.push({ x, y, n, t, killed: (p.fatalities_best as number | undefined) ?? null });
      });
      this.groups = groups;
    }
    this.i0 = 0;
    this.i1 = this.cols.n;
    this.seen = {};
  }

  /** ask counts each facet under all other filters. */
  private ask(days: Days, signal: AbortSignal): Promise<((t: Tally) => void)[]> {
    const s = this.state();
    const h = this.header;
    const none = initial();
    const facet = async (by: string, without: Reset, put: (t: Tally, r: Row) => void) => {
      const rows = await this.aggregate(this.params(days, { ...s, ...without }), by, signal);
      return (t: Tally) => {
        for (const r of rows) put(t, r);
      };
    };
    const at = (list: readonly string[], word: string | number | null | undefined, other: number) => {
      const i = list.indexOf(String(word));
      return word === null || i < 0 ? other : i;
    };
    const noPlace = { ...s };
    for (const k of PLACES) noPlace[k] = none[k];
    return Promise.all([
      facet('unit', noPlace, (t, r) => {
        t.fUnit[at(h.units, r.unit, NO_UNIT)]! += r.count;
      }),
      facet('country,province', noPlace, (t, r) => {
        const a = h.areas.findIndex((v) => v.country === r.country && v.province === r.province);
        t.fArea[a < 0 ? 255 : a]! += r.count;
      }),
      facet('event_type', { types: none.types }, (t, r) => {
        t.fType[r.event_type === null ? NO_TYPE : typeIndex(String(r.event_type))]! += r.count;
      }),
      facet('sub_event_type', { subtypes: none.subtypes }, (t, r) => {
        t.fSubtype[at(h.sub_event_types, r.sub_event_type, NOT_STATED)]! += r.count;
      }),
      facet('precision', { precisions: none.precisions }, (t, r) => {
        t.fPrecision[at(h.precisions, r.precision, 255)]! += r.count;
      }),
      facet('dataset', { datasets: none.datasets }, (t, r) => {
        t.fDataset[at(h.datasets, r.dataset, 255)]! += r.count;
      }),
      facet('verification', { verifications: none.verifications }, (t, r) => {
        t.fVerification[at(h.verifications, r.verification, NOT_STATED)]! += r.count;
      }),
      // "At least so many": each step less the one above it.
      ...KILL_STEPS.map((min, k) =>
        facet('country', { min }, (t, r) => {
          t.fKilled[k]! += r.count;
          if (k) t.fKilled[k - 1]! -= r.count;
        }),
      ),
    ]);
  }

  /** histogram gives the bars that came last and asks for others; incidents count where they began. */
  override histogram(e: Int32Array, bars: Bars): { types: Float64Array; hatched: Float64Array; top: number } {
    const n = e.length - 1;
    const q = this.params([e[0]!, e[n]! - 1]);
    const key = `${q}|${bars}`;
    if (this.bars.types.length !== n * N_TYPES) this.bars.types = new Float64Array(n * N_TYPES);
    void this.barring.want(key, async (signal) => {
      const rows = await this.aggregate(q, `${bars},event_type`, signal);
      return () => {
        const at = new Map<string, number>();
        for (let k = 0; k < n; k++) at.set(period(e[k]!, bars), k);
        const types = new Float64Array(n * N_TYPES);
        for (const r of rows) {
          const k = at.get(String(r[bars]));
          const type = r.event_type === null ? NO_TYPE : typeIndex(String(r.event_type));
          if (k !== undefined) types[k * N_TYPES + type]! += r.count;
        }
        this.bars.types = types;
      };
    });
    const { types } = this.bars;
    let top = 0;
    for (let k = 0; k < n; k++) {
      let v = 0;
      for (let t = 0; t < N_TYPES; t++) v += types[k * N_TYPES + t]!;
      top = Math.max(top, v);
    }
    return { types, hatched: new Float64Array(n), top };
  }
}

/** period names the period that begins on a day, as the aggregates do. */
function period(day: Day, bars: Bars): string {
  const text = iso(day);
  if (bars === 'day') return text;
  if (bars === 'month') return text.slice(0, 7);
  if (bars === 'year') return text.slice(0, 4);
  // The week is that of its Thursday.
  const thursday = iso(day + 3);
  const first = parseIso(`${thursday.slice(0, 4)}-01-01`)!;
  return `${thursday.slice(0, 4)}-W${String(Math.floor((day + 3 - first) / 7) + 1).padStart(2, '0')}`;
}
