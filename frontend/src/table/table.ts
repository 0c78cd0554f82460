// The table: everything the map shows, as rows. It takes the map's place and follows brush and filters like the map.
import { html, nothing, render, type TemplateResult } from 'lit';
import { type ColumnsHeader, IMPRECISE_DATE, NOT_REPORTED } from '../lib/columns';
import { fmtRange } from '../lib/dates';
import { glyph, icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { digits, fmt, fmtDeaths } from '../lib/text';
import { precisionClass } from '../lib/vocab';
import { days, title } from '../panel/describe';
import { placeText } from '../panel/list';
import { ofSome } from '../panel/sums';
import { Texts } from '../panel/texts';
import type { Pages } from '../served/pages';
import { loadedText } from '../space/legend';
import type { App, Change } from '../state/app';
import { type Figures, Sums } from '../state/compare';
import type { Model } from '../state/model';
import { encode } from '../state/permalink';
import { byKey } from './order';
import { type Place, places, rest } from './places';

/** Above 200 rows there are pages of so many. */
const PAGE = 100;

interface Column {
  id: string;
  /** asked for when it is drawn, since the language may change */
  label: () => string;
  /** figures stand at the end of their cell and are sorted from the largest at first */
  figure?: boolean;
  fixed?: boolean;
}
const UNITS: Column[] = [
  { id: 'name', label: () => t.table.unit },
  { id: 'area', label: () => t.table.area },
  { id: 'count', label: () => t.table.count, figure: true },
  { id: 'rate', label: () => t.table.rate, figure: true },
  { id: 'low', label: () => t.table.low, figure: true },
  { id: 'best', label: () => t.table.best, figure: true },
  { id: 'high', label: () => t.table.high, figure: true },
  { id: 'silent', label: () => t.table.silent, figure: true },
];
const INCIDENTS: Column[] = [
  { id: 'date', label: () => t.table.date },
  { id: 'what', label: () => t.table.what, fixed: true },
  { id: 'type', label: () => t.facets.type },
  { id: 'name', label: () => t.table.place },
  { id: 'how', label: () => t.table.how, fixed: true },
  { id: 'low', label: () => t.table.low, figure: true },
  { id: 'best', label: () => t.table.best, figure: true },
  { id: 'high', label: () => t.table.high, figure: true },
];

export class TableView {
  private el = document.createElement('section');
  private sums = new Sums();
  private texts: Texts;
  private rows = new Uint32Array(0);
  private n = 0;
  private page = 0;
  private gathered = '';
  private fresh = true;

  constructor(
    private app: App,
    host: HTMLElement,
  ) {
    this.texts = new Texts(app, () => app.touch({ ui: true }));
    this.el.id = 'table';
    this.el.className = 'tv';
    host.append(this.el);
  }

  hide(away: boolean): void {
    // What the filters did meanwhile is not known here.
    if (away) this.fresh = true;
    this.el.hidden = away;
  }
  focus(): void {
    this.el.querySelector<HTMLElement>('.tv-s')?.focus();
  }

  draw(c: Change): void {
    const app = this.app;
    const incidents = app.state.rows === 'incidents';
    if (c.data) this.texts.forget();
    if (!app.model || !app.header) {
      render(html`<p class="note">${t.loading}</p>`, this.el);
      return;
    }
    this.fresh ||= c.filter || c.data;
    if (incidents) this.gather();
    else if (!this.sums.count(app.model, ...app.window, this.fresh)) {
      render(html`<p class="note">${t.loading}</p>`, this.el);
      return;
    }
    this.fresh = false;
    const pages = incidents && this.n > 2 * PAGE ? Math.ceil(this.n / PAGE) : 1;
    this.page = Math.max(0, Math.min(pages - 1, this.page));
    const to = (rows: 'units' | 'incidents') => app.set({ rows, sort: null });
    const seg = (rows: 'units' | 'incidents') =>
      html`<button type="button" data-rows=${rows} class=${app.state.rows === rows ? 'on' : ''} aria-pressed=${app.state.rows === rows} @click=${() => to(rows)}>${t.table[rows]}</button>`;
    const caption = (incidents ? t.table.captionIncidents : t.table.captionUnits)(fmtRange(...app.window));
    render(
      html`<div class="tv-h"><span class="seg" role="group" aria-label=${t.table.rows}>${seg('units')}${seg('incidents')}</span>${pages > 1 ? this.pager(pages) : nothing}</div>
      <div class="tv-s" tabindex="0" role="region" aria-label=${caption} @scroll=${() => this.want()}>
        <table class=${incidents ? 'inc' : 'un'} aria-rowcount=${pages > 1 ? this.n + 1 : nothing}><caption>${caption}</caption>${incidents ? this.incidents(pages) : this.units()}</table>
        ${incidents && !this.n && !app.progress ? html`<p class="note">${t.table.empty}</p>` : nothing}
        <p class="note">${t.table.note}</p>
      </div>`,
      this.el,
    );
    if (incidents) this.want();
  }

  // ---- head

  private get sort(): { id: string; down: boolean } {
    const { sort, rows } = this.app.state;
    const id = sort?.replace(/^-/, '') ?? '';
    const known = (rows === 'units' ? UNITS : INCIDENTS).some((c) => c.id === id && !this.fixed(c));
    return known ? { id, down: sort![0] === '-' } : { id: rows === 'units' ? 'count' : 'date', down: true };
  }

  /** fixed: it cannot be sorted by. Of too many incidents for the page the server keeps only the order of days at hand. */
  private fixed(c: Column): boolean {
    return !!c.fixed || (!!this.app.model?.remote && this.app.state.rows === 'incidents' && c.id !== 'date');
  }

  private head(columns: Column[]): TemplateResult {
    const { id, down } = this.sort;
    const flip = (c: Column) => {
      const first = c.figure || c.id === 'date';
      this.page = 0;
      this.app.set({ sort: (c.id === id ? !down : first) ? `-${c.id}` : c.id });
    };
    return html`<thead><tr aria-rowindex="1">${columns.map(
      (c) =>
        html`<th scope="col" class=${c.figure ? 'n' : ''} aria-sort=${this.fixed(c) ? nothing : c.id !== id ? 'none' : down ? 'descending' : 'ascending'}>${
          this.fixed(c)
            ? c.label()
            : html`<button type="button" data-sort=${c.id} @click=${() => flip(c)}><span>${c.label()}</span>${c.id === id ? icon(down ? 'chev' : 'chu') : nothing}</button>`
        }</th>`,
    )}</tr></thead>`;
  }

  private pager(pages: number): TemplateResult {
    const go = (label: string, name: string, page: number) =>
      html`<button type="button" class="btn bare sq" aria-label=${label} title=${label} ?disabled=${page === this.page} @click=${() => {
        this.page = page;
        this.el.querySelector('.tv-s')!.scrollTop = 0;
        this.app.touch({ ui: true });
      }}>${icon(name)}</button>`;
    const last = pages - 1;
    return html`<nav class="pager" aria-label=${t.table.pages}>${go(t.table.first, 'back', 0)}${go(t.table.previous, 'chl', Math.max(0, this.page - 1))}<span class="num" aria-live="polite">${t.table.shown(this.page * PAGE + 1, Math.min(this.n, (this.page + 1) * PAGE), this.n)}</span>${go(t.table.next, 'chr', Math.min(last, this.page + 1))}${go(t.table.last, 'fwd', last)}</nav>`;
  }

  // ---- units

  private units(): TemplateResult {
    const app = this.app;
    const all = places(app, (k) => this.sums.has(k)).map((p) => ({ ...p, f: this.sums.at(...p.keys) }));
    const { id, down } = this.sort;
    type Row = (typeof all)[number];
    const key: Record<string, (r: Row) => number | string | null> = {
      name: (r) => r.name,
      area: (r) => r.area,
      count: (r) => (r.f.n || loaded(app, r) ? r.f.n : null),
      rate: (r) => (r.f.n || loaded(app, r) ? rate(r.f, r) : null),
      low: (r) => (r.f.n > r.f.noLow ? r.f.low : null),
      best: (r) => (r.f.n > r.f.unknown ? r.f.best : null),
      high: (r) => (r.f.n > r.f.noHigh ? r.f.high : null),
      silent: (r) => (r.f.n ? r.f.silent : null),
    };
    const of = key[id]!;
    const order = (a: Row, b: Row) => {
      const x = of(a);
      const y = of(b);
      // What is not known comes last, whatever the direction.
      if (x === null || y === null) return Number(x === null) - Number(y === null) || byName(a, b);
      const c = typeof x === 'string' ? compare.compare(x, y as string) : x - (y as number);
      return (down ? -c : c) || byName(a, b);
    };
    all.sort(order);
    const others = rest(app, (k) => this.sums.has(k));
    const max = Math.max(1, ...all.map((r) => r.f.n));
    const figures = (
      f: Figures,
      km2: number | undefined,
    ) => html`<td class="n num">${f.n && km2 ? rateText((f.n / km2) * 1000) : nothing}</td>
      ${figure(f, f.low, f.noLow)}${figure(f, f.best, f.unknown)}${figure(f, f.high, f.noHigh)}<td class="n num">${f.n ? fmt(f.silent) : nothing}</td>`;
    const count = (n: number, top: number) =>
      html`<td class="n num c">${n ? html`<i style="inline-size:${((n / top) * 100).toFixed(1)}%"></i>` : nothing}<span class=${n ? '' : 'nil'}>${fmt(n)}</span></td>`;
    return html`${this.head(UNITS)}<tbody>${all.map((r) =>
      r.f.n || loaded(app, r)
        ? html`<tr data-place=${r.id}><th scope="row"><bdi>${r.name}</bdi>${partly(app, r)}</th><td><bdi>${r.area}</bdi></td>${count(r.f.n, max)}${figures(r.f, r.km2)}</tr>`
        : html`<tr data-place=${r.id}><th scope="row"><bdi>${r.name}</bdi></th><td><bdi>${r.area}</bdi></td><td class="nl" colspan="6">${app.progress || !app.datasets ? t.loadingShort : t.nothingLoadedLower}</td></tr>`,
    )}</tbody>
    ${
      others.length
        ? html`<tbody class="rest"><tr><th colspan="8" scope="rowgroup">${t.table.notInUnit}</th></tr>${others.map(
            (r) => {
              const f = this.sums.at(...r.keys);
              return html`<tr data-place=${r.id}><th scope="row" colspan="2"><bdi>${r.name}</bdi></th>${count(f.n, max)}${figures(f, undefined)}</tr>`;
            },
          )}</tbody>`
        : nothing
    }
    <tfoot>${[this.sums.total].map((f) => html`<tr data-place="total"><th scope="row" colspan="2">${t.table.total}</th><td class="n num">${fmt(f.n)}</td>${figures(f, undefined)}</tr>`)}</tfoot>`;
  }

  // ---- incidents

  /** of a store that only the server can count: where its rows are, newest first */
  private pages: Pages | null = null;
  private served: Model | null = null;

  private gather(): void {
    const app = this.app;
    const m = app.model!;
    const { id, down } = this.sort;
    if (m.remote) {
      if (m !== this.served) {
        this.served = m;
        this.pages = m.pages();
      }
      const p = this.pages!;
      p.gather(null);
      this.n = p.n;
      this.rows = p.rows;
      return;
    }
    this.pages = this.served = null;
    const key = `${m.from}|${m.to}|${id}|${down}|${m.cols.n}`;
    if (!this.fresh && key === this.gathered) return;
    if (key !== this.gathered || this.fresh) this.page = 0;
    this.gathered = key;
    if (this.rows.length < m.cols.n) this.rows = new Uint32Array(m.cols.n);
    let n = 0;
    m.eachInWindow((i) => {
      this.rows[n++] = i;
    });
    this.n = n;
    const c = m.cols;
    const keys: Record<string, ((i: number) => number) | undefined> = {
      date: (i) => c.start[i]!,
      type: (i) => c.type(i),
      low: (i) => c.low(i),
      best: (i) => c.best(i),
      high: (i) => c.high(i),
    };
    const by = keys[id];
    const rank = by ? null : ranks(app, app.header!);
    // They come newest first.
    if (id !== 'date' || !down) byKey(this.rows.subarray(0, n), by ?? ((i) => rank![c.unit(i)]!), down);
  }

  private incidents(pages: number): TemplateResult {
    const app = this.app;
    const c = app.model!.cols;
    const from = pages > 1 ? this.page * PAGE : 0;
    const to = pages > 1 ? Math.min(this.n, from + PAGE) : this.n;
    const base = encode({ ...app.state, incident: null });
    const chosen = app.selectedRow;
    const out: TemplateResult[] = [];
    // The server keeps them newest first: the other order is read from the end.
    const turned = app.model!.remote && !this.sort.down;
    if (app.model!.remote) this.pages!.want(turned ? this.n - to : from, turned ? this.n - from : to);
    for (let k = from; k < to; k++) {
      const i = this.rows[turned ? this.n - 1 - k : k]!;
      if (i >= c.n) {
        out.push(html`<tr class="wait"><td colspan="8">${t.loadingShort}</td></tr>`);
        continue;
      }
      const fid = c.fid[i]!;
      const p = this.texts.get(fid);
      const type = c.type(i);
      const start = c.first(i);
      const word = app.header!.precisions[c.precision(i)]!;
      const how = precisionClass(word);
      const vague = (c.flags(i) & IMPRECISE_DATE) !== 0;
      const when = days(start, start + c.days(i), vague);
      const country = app.header!.areas[c.area(i)]?.country ?? 'PK';
      const known = how === 2 ? t.unitOnly(country) : t.precisions[how]!;
      const cell = (v: number) =>
        html`<td class="n num">${v === NOT_REPORTED ? html`<span aria-hidden="true">–</span><span class="vh">${t.notReportedShort}</span>` : fmtDeaths(v)}</td>`;
      out.push(html`<tr aria-rowindex=${pages > 1 ? k + 2 : nothing} aria-selected=${i === chosen ? 'true' : nothing} class=${i === chosen ? 'sel' : ''}>
<td class="num" title=${when}><bdi>${when}</bdi></td><th scope="row" dir="auto"><a data-row=${fid} href="?${base}${base ? '&' : ''}incident=${fid}" class=${p ? '' : 'wait'} aria-current=${i === chosen ? 'true' : nothing} @click=${(
        e: MouseEvent,
      ) => {
        // A new tab takes the address; here the panel opens it.
        if (e.ctrlKey || e.metaKey || e.shiftKey) return;
        e.preventDefault();
        app.select(i);
      }}>${p ? title(p) : t.typeNoun[type]}</a></th><td title=${t.types[type]!}>${glyph(type)}<span>${t.types[type]}</span></td>
        <td><bdi>${placeText(app, i)}</bdi></td><td title=${known}>${icon(`p${how}`)}<span>${known}</span></td>${cell(c.low(i))}${cell(c.best(i))}${cell(c.high(i))}</tr>`);
    }
    return html`${this.head(INCIDENTS)}<tbody>${out}</tbody>`;
  }

  /** want asks for the words of the rows in sight. */
  private want(): void {
    const box = this.el.querySelector<HTMLElement>('.tv-s');
    const first = box?.querySelector<HTMLElement>('tbody tr');
    if (!box || !first || this.app.state.rows !== 'incidents' || this.pages) return;
    const h = first.offsetHeight || 28;
    const from =
      (this.n > 2 * PAGE ? this.page * PAGE : 0) + Math.max(0, Math.floor((box.scrollTop - first.offsetTop) / h));
    const end = this.n > 2 * PAGE ? (this.page + 1) * PAGE : this.n;
    const to = Math.min(this.n, end, from + Math.ceil(box.clientHeight / h) + 2);
    this.texts.want([...this.rows.subarray(from, to)]);
  }
}

const compare = new Intl.Collator('en');
const byName = (a: Place, b: Place) => compare.compare(a.name, b.name);
const rate = (f: Figures, p: Place) => (p.km2 ? (f.n / p.km2) * 1000 : null);
/** rateText begins at 0.1, like the classes of rates. */
const rateText = (v: number) => digits(v < 0.05 ? '<0.1' : v.toFixed(1));

/** figure is a sum of the figures that `missing` incidents do not give. */
const figure = (f: Figures, v: number, missing: number) =>
  html`<td class="n num">${
    f.n > missing
      ? html`${fmt(v)}${f.huge ? '+' : ''}${ofSome(f.n - missing, f.n)}`
      : f.n
        ? html`<span aria-hidden="true">–</span><span class="vh">${t.notReportedShort}</span>`
        : nothing
  }</td>`;

/** loaded: some day of the window is covered, so that no incident means 0. */
const loaded = (app: App, p: Place) =>
  !app.progress && !!app.datasets && (p.former || app.unitCoverage(p.id).state !== 'none');

function partly(app: App, p: Place): TemplateResult | typeof nothing {
  const c = p.former ? null : app.unitCoverage(p.id);
  return c?.state === 'part' ? html` <small>${loadedText(app, c)}</small>` : nothing;
}

/** ranks puts the units in the order of their names; what has none comes last. */
function ranks(app: App, h: ColumnsHeader): Uint16Array {
  const out = new Uint16Array(256).fill(NOT_REPORTED);
  h.units
    .map((id, i) => ({ i, name: app.unitName(id) }))
    .sort((a, b) => compare.compare(a.name, b.name))
    .forEach((u, k) => {
      out[u.i] = k;
    });
  return out;
}
