// Texts of the rows in view. Order and counts of the list come from the columns; only words are asked for, in pages of
// the same filters over the days in view. An answer to a question that is no longer asked is dropped.
import type { FeatureCollection, Point } from 'geojson';
import { getIncident, getJson, type Incident } from '../api/client';
import { iso } from '../lib/dates';
import type { App } from '../state/app';

const KEEP = 4000;

export class Texts {
  private have = new Map<number, Incident>();
  private abort: AbortController | null = null;
  private timer = 0;
  private missing = new Set<number>();

  constructor(
    private app: App,
    private changed: () => void,
  ) {}

  get(fid: number): Incident | undefined {
    return this.have.get(fid) ?? this.app.model?.text(fid);
  }
  /** forget drops everything: the data were loaded again. */
  forget(): void {
    this.have.clear();
    this.missing.clear();
  }

  private keep(p: Incident): void {
    this.have.set(p.fid, p);
    if (this.have.size > KEEP) {
      let drop = KEEP / 4;
      for (const k of this.have.keys()) {
        if (drop-- <= 0) break;
        this.have.delete(k);
      }
    }
  }

  /** want asks for the texts of these rows, once the list has come to rest. */
  want(rows: number[]): void {
    const model = this.app.model!;
    const fid = model.cols.fid;
    const need = rows.filter((r) => !this.get(fid[r]!) && !this.missing.has(fid[r]!));
    clearTimeout(this.timer);
    if (!need.length) return;
    this.timer = window.setTimeout(
      () => {
        // Rows are numbered anew when incidents are loaded anew; the list then asks again.
        if (this.app.model === model) void this.load(need);
      },
      this.app.moving ? 120 : 30,
    );
  }

  private async load(rows: number[]): Promise<void> {
    const app = this.app;
    const model = app.model!;
    this.abort?.abort();
    const ctl = new AbortController();
    this.abort = ctl;
    const c = model.cols;
    let a = Infinity;
    let b = -Infinity;
    for (const r of rows) {
      a = Math.min(a, c.first(r));
      b = Math.max(b, c.first(r) < app.window[0] ? c.last(r) : c.first(r));
    }
    try {
      // A page of the days in view is one request; where a day holds very many, single incidents are fewer bytes.
      if (model.countIf(a, b, 0) <= 300) {
        const q = app.apiQuery();
        q.set('datetime', `${iso(a)}/${iso(b)}`);
        q.set('sortby', '-start_date');
        q.set('limit', '300');
        const fc = await getJson<FeatureCollection<Point, Incident>>(`./collections/incidents/items?${q}`, ctl.signal);
        for (const f of fc.features) this.keep(f.properties);
      }
      const rest = rows.filter((r) => !this.have.has(c.fid[r]!));
      let at = 0;
      const worker = async () => {
        while (at < rest.length && !ctl.signal.aborted) {
          const id = c.fid[rest[at++]!]!;
          try {
            this.keep((await getIncident(id, ctl.signal)).properties);
          } catch (e) {
            if (!ctl.signal.aborted) this.missing.add(id);
            if (e instanceof TypeError) throw e;
          }
        }
      };
      await Promise.all([worker(), worker(), worker(), worker()]);
      if (!ctl.signal.aborted) this.changed();
    } catch {
      // The rows stay with what the columns say; the next scroll asks again.
      if (!ctl.signal.aborted) this.changed();
    }
  }
}
