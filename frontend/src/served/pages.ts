// The list of incidents that only the server has. Months and their counts come first, so that every row has its place;
// then the days of the months in sight, and of those days the incidents themselves.

import type { FeatureCollection, Point } from 'geojson';
import { getJson, type Incident } from '../api/client';
import { addBars, type Day, iso, parseIso } from '../lib/dates';
import type { Only } from '../state/permalink';
import { Question } from './question';
import type { Rows } from './rows';
import type { Served } from './served';

/** UNKNOWN stands for a row that has not come yet. */
export const UNKNOWN = 0xffffffff;
/** most incidents in an answer */
const PAGE = 1000;

interface Period {
  /** its first day */
  day: Day;
  n: number;
  /** index of its first incident; newest first */
  at: number;
}
const text = (s: string) => `'${s.replace(/'/g, "''")}'`;
const KINDS = "place_kind IN ('unit','subunit','units')";

/** only puts what a badge or a place of the map stands for into a condition. */
function only(o: Only | null, q: URLSearchParams): string {
  switch (o?.kind) {
    case 'unit':
      return `${KINDS} AND unit_id = ${text(o.unit)}`;
    case 'province':
      return `(place_kind = 'province' OR ${KINDS} AND unit_id IS NULL) AND province = ${text(o.province)} AND country = ${text(o.country)}`;
    case 'country':
      return `place_kind = 'country' AND country = ${text(o.country)}`;
    case 'border':
      return "place_kind = 'border'";
    case 'none':
      return "(place_kind = 'none' OR place_kind IS NULL)";
    case 'place': {
      // What comes from a tile is known to some forty metres.
      const d = 4e-4;
      const [w, s, e, n] = o.box;
      q.set('bbox', [w - d, s - d, e + d, n + d].map((v) => v.toFixed(5)).join());
      return "place_kind IN ('point','circle')";
    }
    case 'rows': // numbers of rows of another time
      return 'id IS NULL';
    default:
      return '';
  }
}

export class Pages {
  /** the columns' rows, newest first; n of them are used */
  rows = new Uint32Array(0);
  n = 0;
  months: Period[] = [];
  private of: Rows | null = null;
  private ask = new URLSearchParams();
  private days = new Map<Day, Period[]>();
  private counting: Question<() => void>;
  private fetching: Question<() => void>;

  constructor(private served: Served) {
    const put = (answer: () => void) => {
      answer();
      served.changed('ui');
    };
    this.counting = new Question(served.moving, put);
    this.fetching = new Question(served.moving, put);
  }

  /** gather asks for the months of the window; what is there stays until the answer has come. */
  gather(o: Only | null): void {
    const { served } = this;
    const q = served.params(served.days);
    served.and(q, only(o, q));
    void this.counting.want(q.toString(), async (signal) => {
      const months = await this.periods(q, 'month', 0, signal);
      return () => {
        this.ask = q;
        this.months = months;
        this.days.clear();
        this.n = months.reduce((n, m) => n + m.n, 0);
        this.forget();
      };
    });
    if (this.of !== served.rows) this.forget();
  }
  private forget(): void {
    this.of = this.served.rows;
    this.rows = new Uint32Array(this.n).fill(UNKNOWN);
  }

  /** periods are the months or days with an incident, newest first. */
  private async periods(q: URLSearchParams, by: 'month' | 'day', at: number, signal: AbortSignal): Promise<Period[]> {
    const rows = await this.served.aggregate(q, by, signal);
    const out: Period[] = [];
    for (const r of rows.reverse()) {
      const key = String(r[by]);
      if (!r.count) continue;
      out.push({ day: parseIso(by === 'month' ? `${key}-01` : key)!, n: r.count, at });
      at += r.count;
    }
    return out;
  }

  /** want asks for the rows from one index up to another. */
  want(from: number, to: number): void {
    from = Math.max(0, from);
    to = Math.min(this.n, to);
    while (from < to && this.rows[from] !== UNKNOWN) from++;
    while (to > from && this.rows[to - 1] !== UNKNOWN) to--;
    if (from >= to) return;
    const { served, ask, rows } = this;
    const between = (q: URLSearchParams, a: Day, b: Day) =>
      served.and(q, `start_date >= DATE('${iso(a)}') AND start_date <= DATE('${iso(b)}')`);
    void this.fetching.want(`${ask}|${from}|${to}|${this.of?.cols.fid.length}`, async (signal) => {
      const within = (p: Period) => p.at < to && p.at + p.n > from;
      const days: Period[] = [];
      for (const m of this.months.filter(within)) {
        let list = this.days.get(m.day);
        if (!list) {
          const q = between(new URLSearchParams(ask), m.day, addBars(m.day, 1, 'month') - 1);
          list = await this.periods(q, 'day', m.at, signal);
          this.days.set(m.day, list);
        }
        days.push(...list.filter(within));
      }
      const first = days[0];
      if (!first) return () => {};
      const last = days[days.length - 1]!;
      const q = between(new URLSearchParams(ask), last.day, first.day);
      q.set('sortby', '-start_date');
      q.set('limit', String(Math.min(PAGE, last.at + last.n - first.at)));
      const list: FeatureCollection<Point, Incident>['features'] = [];
      // A day of very many comes in several pages.
      for (let url: string | undefined = `./collections/incidents/items?${q}`; url && first.at + list.length < to; ) {
        const fc: FeatureCollection<Point | null, Incident> & { links?: { rel: string; href: string }[] } =
          await getJson(url, signal);
        list.push(...(fc.features as typeof list));
        url = fc.links?.find((l) => l.rel === 'next')?.href;
      }
      return () => {
        // The list may have been gathered anew meanwhile.
        if (this.rows !== rows) return;
        list.forEach((f, k) => {
          if (first.at + k < this.n)
            rows[first.at + k] = served.rows.incident(f.properties, f.geometry?.coordinates as [number, number] | null);
        });
      };
    });
  }
}
