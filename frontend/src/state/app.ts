// The page's one place of truth: what the reader set, what is loaded, what is counted. Views ask it and are told once
// a frame; whatever changed since the last frame is counted once.

import type { TemplateResult } from 'lit';
import * as api from '../api/client';
import { classOf, breaks as fitBreaks, needsRefit, SMALLEST } from '../lib/breaks';
import { type ColumnsHeader, NO_UNIT, NOT_STATED, Table } from '../lib/columns';
import { addBars, type Bars, barStart, type Day, edges, parseIso, parts, ymd } from '../lib/dates';
import { localName, placeName, useLanguage, wanted } from '../lib/i18n';
import { t } from '../lib/strings.en';
import { digits } from '../lib/text';
import { typeParam } from '../lib/vocab';
import { query } from '../out/query';
import type { FromWorker } from '../worker/columns.worker';
import { type Filter, Model, Tally } from './model';
import {
  decode,
  encode,
  filterParams,
  initial,
  onlyText,
  type Problem,
  range,
  type State,
  servedParams,
} from './permalink';

/** MOST_HELD is how many incidents the page holds; of more the server counts. Browser tests set sarhadMostHeld to lower it. */
const MOST_HELD = (globalThis as { sarhadMostHeld?: number }).sarhadMostHeld ?? 1_000_000;

/** Coverage of some days: how much of them is loaded, from and to which day, and whether days in between are not. */
export type Coverage = { state: 'none' | 'part' | 'full'; from: Day; to: Day; gap: boolean };
type Interval = [Day, Day];

/** merge joins intervals that touch. */
export function merge(list: Interval[]): Interval[] {
  const out: Interval[] = [];
  for (const [a, b] of [...list].sort((x, y) => x[0] - y[0])) {
    const last = out[out.length - 1];
    if (last && a <= last[1] + 1) last[1] = Math.max(last[1], b);
    else out.push([a, b]);
  }
  return out;
}

/** cover says how much of the days a to b the intervals hold. */
export function cover(list: readonly Interval[], a: Day, b: Day): Coverage {
  let days = 0;
  let from = Infinity;
  let to = -Infinity;
  for (const [x, y] of list) {
    const lo = Math.max(a, x);
    const hi = Math.min(b, y);
    if (hi < lo) continue;
    days += hi - lo + 1;
    from = Math.min(from, lo);
    to = Math.max(to, hi);
  }
  return {
    state: days === 0 ? 'none' : days === b - a + 1 ? 'full' : 'part',
    from,
    to,
    gap: days > 0 && days <= to - from,
  };
}

/** Found is a place that the search found, as the map shows it: a position, or an area that holds it. */
export interface Found {
  name: string;
  kind: string;
  /** what is not known of it, in words */
  note: string | null;
  at: [number, number] | null;
  /** ids of today's units */
  units: string[];
  /** areas that are no units of today */
  shapes: api.UnitFeature[];
}

/** Compared is what views show of a second window; its code is loaded when there is one. */
export interface Compared {
  /** the map's class of a unit and its change; the same names as the colours */
  cls: (id: string) => string;
  change: (id: string) => number | null;
  legend: (compact: boolean) => TemplateResult;
  phoneLegend: () => TemplateResult;
  tip: (id: string) => TemplateResult;
  pane: () => TemplateResult;
}

export interface Change {
  data: boolean;
  filter: boolean;
  window: boolean;
  view: boolean;
  ui: boolean;
  /** the brush has come to rest: what was frozen may be fitted again */
  rest: boolean;
}
/** FILTERS are the parts of the state that say which incidents are counted, the window apart. */
const FILTERS = [
  'types',
  'units',
  'provinces',
  'countries',
  'precisions',
  'datasets',
  'verifications',
  'subtypes',
  'min',
  'actor',
  'near',
  'q',
] as const;
const nothing = (): Change => ({ data: false, filter: false, window: false, view: false, ui: false, rest: false });

export class App {
  state: State;
  problems: Problem[];
  datasets: api.Datasets | null = null;
  units: api.Units | null = null;
  unitById = new Map<string, api.UnitProps>();
  border: api.Border | null = null;
  crossings: api.Crossings | null = null;
  periods: api.Period[] = [];
  header: ColumnsHeader | null = null;
  model: Model | null = null;
  tally = new Tally();
  progress: { loaded: number; count: number; back: Day | null } | null = null;
  breaks: number[] = SMALLEST;
  /** true while the brush is dragged or played: scales and labels hold still */
  moving = false;
  playing = false;
  offline: string | null = null;
  failed: string | null = null;
  mapFailed = false;
  detail: { key: string; feature: api.IncidentFeature | null; error: string | null } | null = null;
  /** the panel shows how files are loaded */
  loadOpen = false;
  /** what the second window adds; null until it is there and its code has come */
  compared: Compared | null = null;
  /** the map marks the row that the pointer is on in the list; -1 for none */
  hover: (row: number) => void = () => {};
  /** the reader went back or forth: the map follows the state's view */
  restored: () => void = () => {};
  /** what the search found last; no incident */
  found: Found | null = null;
  /** the map goes to what was found */
  fly: (f: Found) => void = () => {};
  /** former units and subunits that were asked for by their id; null where the server has none */
  private others = new Map<string, api.UnitFeature | null>();
  private asked = new Map<string, Promise<api.UnitFeature | null>>();
  private closing = false;
  private seenSets = new Map<string, string>();
  private unitCover = new Map<string, Interval[]>();
  timeCover: Interval[] = [];
  private pending = nothing();
  private scheduled = false;
  private views: ((c: Change) => void)[] = [];
  private worker: Worker;
  private job = 0;
  private urlTimer = 0;
  private restTimer = 0;
  private playTimer = 0;
  private detailAbort: AbortController | null = null;
  private loadedAt = '';

  constructor() {
    const { state, problems } = decode(location.search);
    this.state = state;
    this.problems = problems;
    // In a frame of another page there is nothing that could change what the server holds.
    state.embed ||= window.self !== window.top;
    window.addEventListener('popstate', () => this.popped());
    this.worker = new Worker(new URL('../worker/columns.worker.ts', import.meta.url), { type: 'module' });
    this.worker.onmessage = (e: MessageEvent<FromWorker>) => this.receive(e.data);
    // Whatever happens, what was put off is done some time.
    setTimeout(() => this.runLater(), 4000);
  }

  onFrame(view: (c: Change) => void): void {
    this.views.push(view);
  }

  /** set changes the state and asks for a frame. */
  set(patch: Partial<State>, what: Partial<Change> = {}): void {
    Object.assign(this.state, patch);
    const k = Object.keys(patch);
    const has = (...names: (keyof State)[]) => names.some((n) => k.includes(n));
    this.touch({
      filter: has(...FILTERS),
      window: has('from', 'to', 'cumulative'),
      view: has('view'),
      rest: has('shade', 'scale'),
      ui: true,
      ...what,
    });
    this.writeUrl();
  }

  touch(what: Partial<Change>): void {
    for (const k of Object.keys(what) as (keyof Change)[]) this.pending[k] ||= !!what[k];
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame((now) => this.frame(now));
  }

  /** all incidents have been drawn once */
  private whole = false;
  /** the brush alone follows the hand */
  brush = (): void => {};
  /** the shortest time between two frames, ms, and when counts may follow the brush again */
  private beat = 34;
  private rested = 0;
  private frame(now: number): void {
    this.scheduled = false;
    // On a slow machine the brush moves in each frame, and what follows it takes no more than a fifth of the time.
    if (this.moving && this.whole) {
      if (now < this.rested) {
        this.brush();
        this.touch({});
        return;
      }
      requestAnimationFrame((next) => {
        this.beat = Math.min(this.beat, next - now);
        this.rested = next + 4 * (next - now - this.beat);
      });
    }
    const c = this.pending;
    this.pending = nothing();
    if (this.came && c.data) this.take();
    // What only the server can filter by is asked for anew; what is there stays until the answer has come.
    if (c.filter && servedParams(this.state).toString() !== this.served) this.loadColumns(true);
    if (this.model) {
      if (c.filter || c.data) {
        this.model.refilter(this.filter());
        this.coverages();
        c.filter = true;
      }
      if (c.filter || c.window || c.data) {
        const [a, b] = this.window;
        this.model.setWindow(a, b);
        this.tally = this.model.tally;
        c.window = true;
        if (!this.moving) this.restSoon();
      }
      if (c.rest || c.data) this.refit(c.data);
    }
    for (const v of this.views) v(c);
    const m = this.model;
    if (!this.views.length || !m || !this.units || (this.progress && !m.count)) return;
    // The newest incidents are drawn before the others have come.
    if (!this.ready) {
      document.documentElement.dataset.ready = '1';
      performance.mark('sarhad:data');
      this.later(() => this.touch({ rest: true }));
      this.runLater();
    }
    if (!this.progress && !this.whole) {
      this.whole = true;
      performance.mark('sarhad:all');
    }
  }

  /** ready: a picture with data has been drawn */
  get ready(): boolean {
    return !!document.documentElement.dataset.ready;
  }
  private waiting: (() => void)[] | null = [];
  /** later runs what the first picture with data need not wait for, each in a task of its own. */
  later(f: () => void): void {
    if (this.waiting) this.waiting.push(f);
    else setTimeout(f, 0);
  }
  private runLater(): void {
    for (const f of this.waiting ?? []) setTimeout(f, 30);
    this.waiting = null;
  }

  /** move is set while the brush is dragged; letting go fits scales and labels again a moment later. */
  setMoving(on: boolean): void {
    this.moving = on;
    if (!on) {
      this.restSoon();
      // The server is asked at once for what it left out while the brush moved.
      if (this.model?.remote) this.touch({ window: true });
    }
  }
  private restSoon(): void {
    clearTimeout(this.restTimer);
    this.restTimer = window.setTimeout(() => {
      if (!this.moving) this.touch({ rest: true });
    }, 300);
  }

  /** what the breaks were fitted for */
  private fitted = '';
  private refit(force: boolean): void {
    const { shade, scale } = this.state;
    const values = this.header!.units.flatMap((id, i) => (this.inFocus(id) ? [this.shadeOf(i)] : []));
    const key = `${shade}|${scale}`;
    if (scale) this.breaks = scale;
    else if (force || key !== this.fitted || needsRefit(values, this.breaks))
      this.breaks = fitBreaks(values, shade === 'rate' ? 10 : 1);
    this.fitted = key;
  }
  /** shadeOf is what a unit (by its place in the header) is shaded by; null where none of its incidents says how many died. */
  shadeOf(i: number): number | null {
    const { unit, killed, unitUnknown } = this.tally;
    const n = unit[i]!;
    if (this.state.shade === 'count') return n;
    if (this.state.shade === 'killed') return n && unitUnknown[i] === n ? null : killed[i]!;
    const km2 = this.unitById.get(this.header!.units[i]!)?.area_km2;
    return n && km2 ? (n * 1000) / km2 : 0;
  }
  classOf(n: number): number {
    return classOf(n, this.breaks);
  }

  // ---- the data's shape

  /** inFocus: districts of Khyber Pakhtunkhwa and Balochistan and the Afghan provinces; others are context. */
  inFocus(id: string): boolean {
    const u = this.unitById.get(id);
    return !!u && (u.country === 'AF' || u.kind === 'district');
  }
  unitName(id: string): string {
    const u = this.unitById.get(id);
    if (u) return localName(u);
    const f = this.others.get(id)?.properties;
    // Its name is on its way.
    if (!f) return this.header?.units.includes(id) && !this.others.has(id) ? '…' : id;
    return f.valid_until ? t.until(localName(f), digits(f.valid_until.slice(0, 4))) : localName(f);
  }
  /** filterName is a unit as a filter: of a former one only what is known no closer. */
  filterName(id: string): string {
    return this.unitById.has(id) ? this.unitName(id) : t.somewhereIn(this.unitName(id));
  }
  /** provinceName is a province's name in the language of the page. In Afghanistan a province is a unit. */
  provinceName(name: string): string {
    for (const u of this.unitById.values()) if (u.name === name && u.province === name) return localName(u);
    return placeName(name);
  }
  /** former is a unit that is no more and that incidents here are placed in; undefined while it is not known. */
  former(id: string): api.UnitProps | undefined {
    return this.unitById.has(id) ? undefined : this.others.get(id)?.properties;
  }
  /** other is a former unit or subunit, if it was asked for and is there. */
  other(id: string): api.UnitFeature | undefined {
    return this.others.get(id) ?? undefined;
  }
  /** place asks for a former unit or a subunit, once; null where there is none. It fails where the server does not answer. */
  place(id: string): Promise<api.UnitFeature | null> {
    let p = this.asked.get(id);
    if (!p) {
      p = api.getUnit(id).catch((e: unknown) => {
        if (e instanceof api.ApiError && e.status === 404) return null;
        this.asked.delete(id); // it may be asked again
        throw e;
      });
      p = p.then((f) => {
        this.others.set(id, f);
        // Its badge and its name are drawn; what is counted stays.
        this.touch({ window: true, ui: true });
        return f;
      });
      p.catch(() => {});
      this.asked.set(id, p);
    }
    return p;
  }
  /** nameFormers asks for the former units that incidents are placed in; they are drawn when they come. */
  private nameFormers(): void {
    if (!this.units) return;
    this.later(() => {
      const m = this.model;
      if (!m) return;
      const here = new Uint8Array(256);
      for (let i = 0; i < m.cols.n; i++) here[m.cols.unit(i)] = 1;
      for (const [i, id] of m.header.units.entries())
        if (!this.unitById.has(id) && (here[i] || m.remote)) void this.place(id).catch(() => {});
    });
  }
  /** show puts what the search found on the map, or takes it away again. */
  show(f: Found | null): void {
    this.found = f;
    if (f) this.fly(f);
    this.touch({ view: true, ui: true });
  }
  /** extent is what the time axis can show: all days of the data and of what was loaded. */
  get extent(): [Day, Day] {
    const days: Day[] = [];
    const m = this.model?.extent;
    if (m) days.push(m[0], m[1]);
    for (const v of [this.header?.first, this.header?.last]) {
      const d = v ? parseIso(v.slice(0, 10)) : null;
      if (d !== null) days.push(d);
    }
    if (!days.length) return [ymd(2000, 1, 1), ymd(2025, 12, 31)];
    return [Math.min(...days), Math.max(...days)];
  }
  /** axis is the part of time in view, whole months at least. */
  get axis(): [Day, Day] {
    if (this.state.axis) return this.state.axis;
    return this.fullAxis;
  }
  get fullAxis(): [Day, Day] {
    // Asked for many times a step: it is worked out anew when other data have come.
    const { model, header } = this;
    if (!this.full || this.full.model !== model || this.full.header !== header) {
      const [a, b] = this.extent;
      const unit: Bars = b - a > 1500 ? 'year' : 'month';
      this.full = { model, header, axis: [barStart(a, unit), addBars(barStart(b, unit), 1, unit) - 1] };
    }
    return this.full.axis;
  }
  private full: { model: Model | null; header: ColumnsHeader | null; axis: [Day, Day] } | null = null;
  /** window is the chosen days; open ends reach to the ends of the axis. */
  get window(): [Day, Day] {
    const [a, b] = this.fullAxis;
    return [this.state.from ?? a, this.state.to ?? b];
  }
  get isWhole(): boolean {
    return this.state.from === null && this.state.to === null;
  }

  private filter(): Filter {
    const h = this.header!;
    const s = this.state;
    const table = (names: readonly string[], chosen: Set<string>) => {
      if (!chosen.size) return null;
      const out = new Uint8Array(256);
      names.forEach((n, i) => {
        if (chosen.has(n)) out[i] = 1;
      });
      if (chosen.has('none')) out[NOT_STATED] = 1;
      return out;
    };
    let types: Uint8Array | null = null;
    if (s.types.size) {
      types = new Uint8Array(256);
      for (const k of s.types) types[k] = 1;
    }
    let areas: Uint8Array | null = null;
    if (s.provinces.size || s.countries.size) {
      areas = new Uint8Array(256);
      h.areas.forEach((a, i) => {
        if (s.countries.has(a.country) || (a.province && s.provinces.has(a.province))) areas![i] = 1;
      });
    }
    return {
      types,
      units: table(h.units, s.units),
      areas,
      precisions: table(h.precisions, s.precisions),
      datasets: table(h.datasets, s.datasets),
      verifications: table(h.verifications, s.verifications),
      subtypes: table(h.sub_event_types, s.subtypes),
      min: s.min,
    };
  }

  // ---- what was loaded, where and when

  private coverages(): void {
    this.unitCover.clear();
    const all: Interval[] = [];
    const by = new Map<string, Interval[]>();
    const byCountry = new Map<string, Interval[]>();
    const put = (m: Map<string, Interval[]>, k: string, v: Interval) => {
      const l = m.get(k);
      if (l) l.push(v);
      else m.set(k, [v]);
    };
    for (const d of this.datasets?.datasets ?? []) {
      if (this.state.datasets.size && !this.state.datasets.has(d.name)) continue;
      // What the page does not get it cannot count, and must not show as zero.
      if (d.public === 'aggregates') continue;
      for (const c of d.coverage ?? []) {
        const a = parseIso((c.from ?? '').slice(0, 10));
        const b = parseIso((c.to ?? '').slice(0, 10));
        if (a === null || b === null) continue;
        all.push([a, b]);
        if (c.unit) put(by, c.unit, [a, b]);
        else if (c.country) put(byCountry, c.country, [a, b]);
      }
    }
    for (const [id, u] of this.unitById)
      this.unitCover.set(id, merge([...(by.get(id) ?? []), ...(byCountry.get(u.country) ?? [])].map((x) => [...x])));
    this.timeCover = merge(all.map((x) => [...x] as Interval));
  }
  /** unitCoverage is that of the window unless other days are given. */
  unitCoverage(id: string, [a, b] = this.window): Coverage {
    return cover(this.unitCover.get(id) ?? [], a, b);
  }
  countryLoaded(country: string): boolean {
    // Without an answer about the data sets nothing is known of it.
    if (!this.datasets) return true;
    for (const [id, u] of this.unitById)
      if (u.country === country && this.unitCoverage(id).state !== 'none') return true;
    return false;
  }
  /** withheld are the data sets whose single incidents the server keeps back. */
  get withheld(): api.Dataset[] {
    return (this.datasets?.datasets ?? []).filter((d) => d.public === 'aggregates' && d.count > 0);
  }
  get onlySamples(): boolean {
    const d = this.datasets?.datasets ?? [];
    return d.length > 0 && d.every((x) => x.sample);
  }
  dataset(name: string): api.Dataset | undefined {
    return this.datasets?.datasets.find((d) => d.name === name);
  }
  datasetTitle(name: string): string {
    return this.dataset(name)?.title || name;
  }

  // ---- loading

  async start(): Promise<void> {
    this.loadColumns();
    // On a slow line the list can be read before the map is there.
    const turn = performance.now() > 2000 ? new Promise<void>((ok) => (this.listed = ok)) : null;
    const [datasets, units] = await Promise.allSettled([
      api.getDatasets(),
      turn ? turn.then(api.getUnits) : api.getUnits(),
    ]);
    if (datasets.status === 'fulfilled') this.datasets = datasets.value;
    else this.goOffline();
    if (units.status === 'fulfilled') {
      this.units = units.value;
      for (const f of units.value.features) this.unitById.set(f.properties.id, f.properties);
    } else this.mapFailed = true;
    // Boundaries and columns come in either order; the second to come can tell what the link means.
    if (this.model && !this.progress) {
      this.checkLink();
      this.frameSample();
    }
    this.nameFormers();
    this.touch({ data: true, ui: true });
    const [border, crossings, periods] = await Promise.allSettled([
      api.getBorder(),
      api.getCrossings(),
      api.getPeriods(),
    ]);
    if (border.status === 'fulfilled') this.border = border.value;
    if (crossings.status === 'fulfilled') this.crossings = crossings.value;
    if (periods.status === 'fulfilled') this.periods = periods.value;
    this.touch({ data: true, ui: true });
    window.setInterval(() => void this.poll(), 4000);
  }

  private listed = (): void => {};
  private table: Table | null = null;
  private quiet = false;
  /** what the columns were asked for with */
  private served = '';
  loadColumns(quiet = false): void {
    this.quiet = quiet && !!this.model;
    this.table = null;
    this.came = '';
    this.failed = null;
    this.job++;
    this.served = servedParams(this.state).toString();
    const url = new URL('./collections/incidents/columns', document.baseURI);
    url.search = this.served;
    this.worker.postMessage({ id: this.job, url: url.href, headers: api.reader.headers() });
  }

  /** serve shows more incidents than the page can hold: the server counts them. */
  private async serve(header: ColumnsHeader): Promise<void> {
    const job = ++this.job; // what follows the header is not wanted
    this.worker.postMessage({ id: job, url: '' });
    const { Served } = await lazily().catch(() => ({ Served: null }));
    if (job !== this.job) return;
    if (!Served) {
      this.failed = '';
      this.touch({ ui: true });
      return;
    }
    const model = new Served(
      header,
      () => this.state,
      () => this.moving,
      (what) => this.touch({ ui: true, rest: !this.moving, [what]: true }),
    );
    // Nothing is shown before the first counts: what is not known yet is not 0.
    const was = this.header;
    this.header = header;
    const days = this.window;
    if (this.model) this.header = was;
    await model.setWindow(...days);
    if (job !== this.job) return;
    this.header = header;
    this.model = model;
    this.progress = null;
    this.loadedAt = clock();
    this.quiet = false;
    this.touch({ data: true, ui: true });
    this.checkLink();
    this.nameFormers();
    void this.openLinked();
  }

  private receive(m: FromWorker): void {
    if (m.id !== this.job) return; // an answer to an older question
    if (m.kind !== 'header') this.listed();
    if (m.kind === 'error') {
      this.failed = m.message;
      this.progress = null;
      if (this.model) this.goOffline();
      this.touch({ ui: true });
      return;
    }
    if (m.kind === 'header') {
      if (m.header.count > MOST_HELD) {
        this.listed();
        void this.serve(m.header);
        return;
      }
      const table = new Table(m.header);
      this.table = table;
      // Mostly the first block comes with it: nothing is drawn of no incidents unless it is long in coming.
      setTimeout(() => {
        if (this.table === table && this.model?.header !== m.header && !this.quiet) this.adopt(false);
      }, 200);
      return;
    }
    const table = this.table!;
    if (m.kind === 'block') {
      table.prepend(m.block);
      if (!this.quiet) this.adopt(false);
      return;
    }
    table.close();
    this.quiet = false;
    this.adopt(true);
    this.loadedAt = clock();
    this.checkLink();
    this.frameSample();
    this.nameFormers();
    void this.openLinked();
  }

  private framed = false;
  /**
   * frameSample opens a store that holds nothing but a sample on the months that most of it is about: a few facts of
   * years before would leave the strip hatched and its bars too thin to read. A link that says which days is obeyed.
   */
  private frameSample(): void {
    const m = this.model;
    if (this.framed || !m || !this.datasets) return;
    this.framed = true;
    if (!this.onlySamples || !this.isWhole || this.state.axis || !m.count) return;
    const from = barStart(m.startAt(0.1), 'month');
    const [, b] = this.extent;
    const to = addBars(barStart(b, 'month'), 1, 'month') - 1;
    if (from > this.fullAxis[0]) this.set({ axis: [from, to], from, to });
  }

  private adopt(done: boolean): void {
    this.came = done ? 'all' : 'some';
    // While it loads, what is there is indexed anew in the frames that show it: blocks come in quick succession.
    if (done || this.model?.header !== this.table!.header) this.take();
    else if (performance.now() - this.taken < 250 && this.model.count) return;
    this.touch({ data: true, ui: true });
  }
  /** blocks that came and are not shown yet */
  private came: '' | 'some' | 'all' = '';
  private taken = 0;
  private take(): void {
    const tb = this.table!;
    const done = this.came === 'all';
    this.came = '';
    this.taken = performance.now();
    this.header = tb.header;
    this.model = new Model(tb.header, tb.cols, tb.lo, this.model?.cols === tb.cols ? this.model.fail : undefined);
    const first = tb.loaded ? tb.cols.first(tb.lo) : null;
    this.progress = done ? null : { loaded: tb.loaded, count: tb.header.count, back: first };
  }

  private async poll(): Promise<void> {
    if (document.hidden || this.progress) return;
    try {
      const before = this.datasets?.change;
      const now = await api.getDatasets();
      const was = this.offline;
      this.offline = null;
      this.datasets = now;
      if (now.change !== before || !this.model) this.loadColumns(true);
      else if (was) this.touch({ ui: true });
      if (!this.units) {
        this.units = await api.getUnits();
        for (const f of this.units.features) this.unitById.set(f.properties.id, f.properties);
        this.mapFailed = false;
        this.touch({ data: true, ui: true });
      }
    } catch {
      this.goOffline();
    }
  }
  private goOffline(): void {
    if (this.offline) return;
    this.offline = this.loadedAt || '–';
    this.touch({ ui: true });
  }
  retry(): void {
    this.offline = null;
    this.failed = null;
    if (this.model) void this.poll();
    else {
      this.loadColumns();
      void this.poll();
    }
    this.touch({ ui: true });
  }

  /** checkLink names places and data sets of the link that do not exist, and goes on without them. */
  private checkLink(): void {
    const h = this.header!;
    const s = this.state;
    const drop = (param: string, set: Set<string>, known: (v: string) => boolean) => {
      for (const v of [...set])
        if (!known(v)) {
          set.delete(v);
          this.problems.push(
            param === 'dataset' && this.seenSets.has(v)
              ? { param, value: this.seenSets.get(v)!, gone: true }
              : { param, value: v },
          );
          this.touch({ filter: true, ui: true });
        }
    };
    if (this.unitById.size) drop('unit', s.units, (v) => this.unitById.has(v) || h.units.includes(v));
    const provinces = new Set([...this.unitById.values()].map((u) => u.province));
    if (this.unitById.size)
      drop('province', s.provinces, (v) => provinces.has(v) || h.areas.some((a) => a.province === v));
    drop('country', s.countries, (v) => v in t.countries || h.areas.some((a) => a.country === v));
    drop('dataset', s.datasets, (v) => h.datasets.includes(v) || !!this.dataset(v));
    drop('verification', s.verifications, (v) => Object.hasOwn(t.verification, v));
    drop('sub_event_type', s.subtypes, (v) => v === 'none' || Object.hasOwn(t.subtypes, v));
    // An open window whose one end lies beyond the data would be turned over.
    const [a, b] = this.window;
    if (a > b) {
      this.problems.push({ param: 'datetime', value: range(s.from, s.to) });
      this.set({ from: null, to: null });
    }
    for (const name of h.datasets) this.seenSets.set(name, this.datasetTitle(name));
    const o = s.only;
    const lost =
      o?.kind === 'unit'
        ? this.unitById.size > 0 && !this.unitById.has(o.unit) && !h.units.includes(o.unit)
        : o?.kind === 'province'
          ? this.unitById.size > 0 && !provinces.has(o.province) && !h.areas.some((a) => a.province === o.province)
          : o?.kind === 'country'
            ? !(o.country in t.countries)
            : false;
    if (lost) {
      this.problems.push({ param: 'only', value: onlyText(o!) });
      this.set({ only: null });
    }
  }

  private async openLinked(): Promise<void> {
    if (this.state.incident && !this.detail) await this.open(this.state.incident, false);
  }

  // ---- the chosen incident

  /** select opens an incident by its row in the columns. */
  select(row: number): void {
    if (!this.model || row < 0 || row >= this.model.cols.n) return;
    void this.open(String(this.model.cols.fid[row]));
  }
  close(): void {
    this.detailAbort?.abort();
    this.detail = null;
    this.set({ incident: null });
    this.touch({ view: true });
    // The entry made for the detail is left again; what was set meanwhile stays.
    if (history.state?.detail) {
      this.closing = true;
      history.back();
    }
  }
  /** openLoad shows how files are loaded in place of the counts, or of the incident that was open. */
  openLoad(): void {
    if (this.loadOpen) return;
    if (this.detail) {
      this.detailAbort?.abort();
      this.detail = null;
      this.state.incident = null;
      this.writeNow();
      if (history.state?.detail) history.replaceState({ load: true }, '', location.href);
      else history.pushState({ load: true }, '', location.href);
    } else {
      this.writeNow();
      history.pushState({ load: true }, '', location.href);
    }
    this.loadOpen = true;
    this.touch({ view: true, ui: true });
  }
  /** enter makes a step of history of what follows, so that Back returns from it; leave takes that step back. */
  enter(): void {
    this.writeNow();
    history.pushState({ entered: true }, '', location.href);
  }
  leave(): void {
    if (!history.state?.entered) return;
    this.closing = true;
    history.back();
  }
  closeLoad(): void {
    if (!this.loadOpen) return;
    this.loadOpen = false;
    this.touch({ view: true, ui: true });
    if (history.state?.load) {
      this.closing = true;
      history.back();
    }
  }
  /** readAs asks for everything anew with a token that may read, or without one. */
  readAs(token: string): void {
    if (api.reader.token === token) return;
    api.reader.token = token;
    this.failed = null;
    this.loadColumns(true);
    void this.poll();
  }
  /** check asks at once whether anything changed, and shows it. */
  check(): void {
    void this.poll();
  }
  /** popped: the reader went back or forth. */
  private popped(): void {
    if (this.closing) {
      this.closing = false;
      this.writeUrl();
      return;
    }
    clearTimeout(this.urlTimer);
    this.play(false);
    const { state } = decode(location.search);
    const view = state.view ?? this.state.view;
    Object.assign(this.state, state, { view });
    this.detailAbort?.abort();
    this.loadOpen = !!history.state?.load;
    if (state.incident) void this.open(state.incident, false);
    else this.detail = null;
    if (this.model) this.checkLink();
    this.applyTheme();
    void this.applyLanguage();
    this.restored();
    this.touch({ filter: true, window: true, view: true, ui: true, rest: true });
  }
  async open(key: string, entry = true): Promise<void> {
    this.detailAbort?.abort();
    // Back returns to the list as it was; going on to the next incident makes no further entry.
    if (entry && !this.detail) {
      this.writeNow();
      if (this.loadOpen && history.state?.load) history.replaceState({ detail: true }, '', location.href);
      else history.pushState({ detail: true }, '', location.href);
    }
    this.loadOpen = false;
    const ctl = new AbortController();
    this.detailAbort = ctl;
    this.detail = { key, feature: null, error: null };
    this.set({ incident: key });
    this.touch({ view: true });
    try {
      const feature = await api.getIncident(key, ctl.signal);
      if (ctl.signal.aborted) return;
      this.detail = { key, feature, error: null };
      // A link keeps the id, which stays the same when the data are loaded again.
      this.set({ incident: String(feature.id ?? key) });
      this.touch({ view: true });
    } catch (e) {
      if (ctl.signal.aborted) return;
      this.detail = { key, feature: null, error: e instanceof Error ? e.message : String(e) };
      if (e instanceof api.ApiError && e.status === 404) this.detail.error = t.withdrawn;
      this.touch({ ui: true });
    }
  }
  /** selectedRow is the chosen incident's row; -1 when none is chosen or it is not loaded yet. */
  get selectedRow(): number {
    const d = this.detail;
    if (!d || !this.model) return -1;
    const fid = d.feature ? d.feature.properties.fid : /^\d+$/.test(d.key) ? Number(d.key) : -1;
    return fid < 0 ? -1 : this.model.rowOf(fid);
  }

  // ---- time

  /** barsFor is the bar size for a width: chosen, or the finest that leaves bars of at least 2 px. */
  barsFor(width: number): Bars {
    if (this.state.bars) {
      const [a, b] = this.axis;
      // A chosen size that would draw more bars than pixels falls back to the next.
      const order: Bars[] = ['day', 'week', 'month', 'year'];
      let k = order.indexOf(this.state.bars);
      const length = [1, 7, 30.4, 365];
      while (k < 3 && (b - a) / length[k]! > Math.max(400, width * 1.5)) k++;
      return order[k]!;
    }
    const [a, b] = this.axis;
    const days = b - a + 1;
    const px = width / days;
    if (px >= 4) return 'day';
    if (px * 7 >= 5) return 'week';
    if (px * 30.4 >= 2) return 'month';
    return 'year';
  }

  /** setDays sets the window; the whole range is kept open, so that it grows with the data. */
  setDays(a: Day, b: Day): void {
    const [x, y] = this.fullAxis;
    const lo = Math.max(x, Math.min(a, y));
    const hi = Math.min(y, Math.max(b, lo));
    this.set({ from: lo <= x && hi >= y ? null : lo, to: lo <= x && hi >= y ? null : hi });
  }

  /** setOther sets the window that the first is compared with. */
  setOther(a: Day, b: Day): void {
    const [x, y] = this.fullAxis;
    const lo = Math.max(x, Math.min(a, y));
    this.set({ compare: [lo, Math.min(y, Math.max(b, lo))] }, { window: true });
  }

  private width = 1000;
  setWidth(px: number): void {
    this.width = px;
  }
  get bars(): Bars {
    return this.barsFor(this.width);
  }

  /** step moves the window by n bars; cumulative only moves its end. False at the end of the axis. */
  step(n: number): boolean {
    const [x, y] = this.fullAxis;
    const [a, b] = this.window;
    const bars = this.bars;
    const end = addBars(barStart(b + 1, bars), n, bars) - 1;
    if (this.state.cumulative) {
      if (end > y || end < a) return false;
      this.set({ from: a, to: end });
      return true;
    }
    const count = edges(a, b, bars).length - 1;
    const start = addBars(barStart(a, bars), n, bars);
    const to = addBars(start, count, bars) - 1;
    if (n > 0 ? to > y : start < x) return false;
    this.set({ from: start, to });
    return true;
  }

  play(on: boolean): void {
    clearTimeout(this.playTimer);
    if (on && this.isWhole) {
      // Nothing could move: begin with the first bars.
      const [x] = this.fullAxis;
      const bars = this.bars;
      const n = this.state.cumulative ? 1 : bars === 'month' ? 3 : bars === 'day' ? 7 : bars === 'week' ? 4 : 1;
      this.set({ from: x, to: addBars(barStart(x, bars), n, bars) - 1 });
    } else if (on && this.window[1] >= this.fullAxis[1]) {
      const bars = this.bars;
      const [a, b] = this.window;
      const [x] = this.fullAxis;
      const n = edges(a, b, bars).length - 1;
      this.set({
        from: this.state.cumulative ? a : x,
        to: addBars(barStart(this.state.cumulative ? a : x, bars), this.state.cumulative ? 1 : n, bars) - 1,
      });
    }
    this.playing = on;
    this.setMoving(on);
    if (on) {
      const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
      const tick = () => {
        if (!this.step(1)) {
          this.play(false);
          return;
        }
        this.playTimer = window.setTimeout(tick, still ? 1000 : 1000 / this.state.speed);
      };
      this.playTimer = window.setTimeout(tick, still ? 1000 : 1000 / this.state.speed);
    }
    this.touch({ ui: true });
  }

  // ---- filters

  toggle<T>(set: Exclude<(typeof FILTERS)[number], 'min' | 'actor' | 'near' | 'q'>, values: T[], on: boolean): void {
    const next = new Set(this.state[set] as Set<T>);
    for (const v of values) {
      if (on) next.add(v);
      else next.delete(v);
    }
    this.set({ [set]: next, only: null } as Partial<State>);
  }
  clearFilters(): void {
    const i = initial();
    this.set({ ...Object.fromEntries(FILTERS.map((k) => [k, i[k]])), only: null });
  }
  get hasFilter(): boolean {
    return filterParams(this.state).size > 0;
  }

  /** apiQuery are the parameters that give exactly what is filtered. */
  apiQuery(extra: Record<string, string> = {}): URLSearchParams {
    const since = this.header?.before_origin ? this.header.origin : null;
    const q = query(this.state, this.isWhole ? null : this.window, since);
    for (const [k, v] of Object.entries(extra)) q.set(k, v);
    return q;
  }

  /** year is the calendar year of the window's start, for the way out of an empty page. */
  get year(): { label: string; from: Day; to: Day } {
    const { y } = parts(this.window[0]);
    return { label: digits(String(y)), from: ymd(y, 1, 1), to: ymd(y, 12, 31) };
  }

  // ---- address and theme

  writeUrl(): void {
    clearTimeout(this.urlTimer);
    // Not while a hand drags: it costs more than counting.
    this.urlTimer = window.setTimeout(() => (this.moving && !this.playing ? this.writeUrl() : this.writeNow()), 250);
  }
  private writeNow(): void {
    clearTimeout(this.urlTimer);
    if (this.closing) return;
    const q = encode(this.state);
    history.replaceState(history.state, '', q ? `?${q}` : location.pathname);
  }
  get link(): string {
    const q = encode(this.state);
    return `${location.origin}${location.pathname}${q ? `?${q}` : ''}`;
  }
  get theme(): 'light' | 'dark' {
    return this.state.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  }
  applyTheme(): void {
    document.documentElement.dataset.theme = this.theme;
    this.touch({ view: true, ui: true, window: true });
  }
  private spoken = '';
  /** applyLanguage speaks as the state says; false where the words do not come. */
  async applyLanguage(): Promise<boolean> {
    const lang = wanted(this.state.lang);
    const key = `${lang} ${this.state.numerals}`;
    if (key === this.spoken) return true;
    if (!(await useLanguage(lang, this.state.numerals))) return false;
    this.spoken = key;
    this.touch({ data: true, filter: true, window: true, view: true, ui: true, rest: true });
    return true;
  }
  hasUnit(row: number): boolean {
    return this.model!.cols.unit(row) !== NO_UNIT;
  }
}

const clock = () => new Date().toTimeString().slice(0, 5);

/** lazily brings the code of what is seldom wanted. */
export const lazily = () => import('../later');

/** typeWord is a type's name as people read it. */
export const typeWord = (i: number): string => t.types[i] ?? typeParam(i);
