// More incidents than a page can hold: the server counts. The views ask as they ask a model; it answers with what came
// last and asks for the rest, and an answer to a question that is no longer asked is dropped.

import { getJson } from '../api/client';
import { Columns, type ColumnsHeader, NO_UNIT, NOT_STATED } from '../lib/columns';
import { type Bars, type Day, iso, parseIso } from '../lib/dates';
import { N_TYPES, NO_TYPE, typeIndex } from '../lib/vocab';
import { query } from '../out/query';
import { KILL_STEPS, Model, type Tally } from './model';
import { initial, type State } from './permalink';

interface Row {
  [key: string]: string | number | null;
  count: number;
  fatalities_low: number | null;
  fatalities_best: number | null;
  fatalities_high: number | null;
  fatalities_unknown: number;
}
type Reset = Partial<Pick<State, 'types' | 'precisions' | 'datasets' | 'verifications' | 'subtypes' | 'min'>>;
const PLACES = ['units', 'provinces', 'countries'] as const;

export class Served extends Model {
  override remote = true;
  private asked = '';
  private ctl: AbortController | null = null;
  private timer = 0;
  private bars = { key: '', ctl: null as AbortController | null, types: new Float64Array(0) };

  /** changed is called when an answer has come */
  constructor(
    header: ColumnsHeader,
    private state: () => State,
    private changed: (what: 'window' | 'bars') => void,
  ) {
    super(header, new Columns(0, 0), 0);
  }

  override get extent(): [Day, Day] | null {
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

  private async rows(s: State, by: string, days: [Day, Day] | null, signal: AbortSignal): Promise<Row[]> {
    const q = query(s, days, null);
    if (by) q.set('by', by);
    return (await getJson<{ rows: Row[] }>(`./aggregates?${q}`, signal)).rows;
  }

  override setWindow(a: Day, b: Day): void {
    this.from = a;
    this.to = b;
    const key = query(this.state(), [a, b], null).toString();
    if (key === this.asked) return;
    this.asked = key;
    this.ctl?.abort();
    this.ctl = new AbortController();
    const { signal } = this.ctl;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.ask([a, b], signal).then(
        (fill) => {
          if (signal.aborted) return;
          this.tally.clear();
          for (const f of fill) f(this.tally);
          this.changed('window');
        },
        () => {
          if (!signal.aborted) this.asked = ''; // the next step asks again
        },
      );
    }, 80);
  }

  /** ask counts the window, and each facet under all other filters. */
  private ask(days: [Day, Day], signal: AbortSignal): Promise<((t: Tally) => void)[]> {
    const s = this.state();
    const h = this.header;
    const none = initial();
    const facet = async (by: string, without: Reset, put: (t: Tally, r: Row) => void) => {
      const rows = await this.rows({ ...s, ...without }, by, days, signal);
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
      facet('unit', {}, (t, r) => {
        const u = at(h.units, r.unit, NO_UNIT);
        t.total += r.count;
        t.best += r.fatalities_best ?? 0;
        t.low += r.fatalities_low ?? 0;
        t.high += r.fatalities_high ?? 0;
        t.unknown += r.fatalities_unknown;
        if (r.fatalities_low !== null || r.fatalities_high !== null) t.bounded += r.count - r.fatalities_unknown;
        t.unit[u]! += r.count;
        t.killed[u]! += r.fatalities_best ?? 0;
        t.unitUnknown[u]! += r.fatalities_unknown;
      }),
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
    const key = `${query(this.state(), null, null)}|${bars}|${e[0]}|${n}`;
    if (key !== this.bars.key) {
      this.bars.ctl?.abort();
      const ctl = new AbortController();
      const types = this.bars.types.length === n * N_TYPES ? this.bars.types : new Float64Array(n * N_TYPES);
      this.bars = { key, ctl, types };
      this.rows(this.state(), `${bars},event_type`, [e[0]!, e[n]! - 1], ctl.signal).then(
        (rows) => {
          if (ctl.signal.aborted) return;
          const at = new Map<string, number>();
          for (let k = 0; k < n; k++) at.set(period(e[k]!, bars), k);
          this.bars.types = new Float64Array(n * N_TYPES);
          for (const r of rows) {
            const k = at.get(String(r[bars]));
            const type = r.event_type === null ? NO_TYPE : typeIndex(String(r.event_type));
            if (k !== undefined) this.bars.types[k * N_TYPES + type]! += r.count;
          }
          this.changed('bars');
        },
        () => {},
      );
    }
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
