// Two windows: what each holds by place, what they differ by, and the pane that says so.
import { html, nothing, type TemplateResult } from 'lit';
import { type Day, fmtDay, fmtRange, parseDate } from '../lib/dates';
import { icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { digits, fmt } from '../lib/text';
import { ofSome } from '../panel/sums';
import { changeLegend, changePhoneLegend, changeTip, className, signed } from '../space/change';
import { type App, type Change, type Compared, cover } from '../state/app';
import {
  changeBreaks,
  changeClass,
  changeOf,
  type Figures,
  Sums,
  timeBefore,
  value,
  yearBefore,
} from '../state/compare';
import { type Place, places, rest } from './places';

type Text = string | TemplateResult;

/** Row is a place in both windows. */
interface Row {
  place: Place;
  a: number | null;
  b: number | null;
  textA: Text;
  textB: Text;
  change: number | null;
  /** why no change can be told */
  why: string;
}

/** start turns the comparison on: with the time before, or after, or, of the whole range, with its first half. */
export function start(app: App): void {
  const [x, y] = app.fullAxis;
  const [a, b] = app.window;
  let other = timeBefore(a, b, app.bars);
  if (other[1] < x) other = [b + 1, Math.min(y, 2 * b - a + 1)];
  if (other[0] > y) {
    other = [a, a + ((b - a) >> 1)];
    app.setDays(other[1] + 1, b);
  }
  app.set({ tab: 'compare', cumulative: false });
  app.setOther(...other);
}

export class Comparison implements Compared {
  private sumsA = new Sums();
  private sumsB = new Sums();
  private fresh = true;
  private rows = new Map<string, Row>();
  private others: Row[] = [];
  breaks: number[] = [];

  constructor(
    private app: App,
    private end: () => void,
  ) {}

  /** forget: filters may change unseen from now on. */
  forget(): void {
    this.fresh = true;
  }

  count(c: Change): void {
    const app = this.app;
    const m = app.model;
    if (!m || !app.header) return;
    if (!(this.fresh || c.data || c.filter || c.window || c.rest || c.ui)) return;
    this.fresh ||= c.data || c.filter;
    const refit = this.fresh || c.rest || !this.breaks.length;
    const a = this.sumsA.count(m, ...app.window, this.fresh);
    const b = this.sumsB.count(m, ...app.state.compare!, this.fresh);
    this.known = a && b;
    this.fresh = false;
    const has = (k: number) => this.sumsA.has(k) || this.sumsB.has(k);
    this.rows = new Map(places(app, has).map((p) => [p.id, this.row(p)]));
    this.others = rest(app, has).map((p) => this.row(p));
    const least = app.state.shade === 'rate' ? 0.1 : 1;
    // Frozen while the brush moves, like the classes of one window.
    if (refit && !app.moving)
      this.breaks = changeBreaks(
        [...this.rows.values()].map((r) => r.change),
        least,
      );
  }

  /** both windows have been counted */
  known = false;
  private get days(): [number, number] {
    const [a0, a1] = this.app.window;
    const [b0, b1] = this.app.state.compare!;
    return [a1 - a0 + 1, b1 - b0 + 1];
  }
  /** lengths says how long the windows are, and how B is adjusted. */
  lengths(): string {
    const [a, b] = this.days;
    return a === b ? t.compare.same(a) : t.compare.adjusted(a, b);
  }

  private row(place: Place): Row {
    const app = this.app;
    const { shade } = app.state;
    const side = (s: Sums, days: [Day, Day]): [number | null, Text, boolean] => {
      const f = s.at(...place.keys);
      const known = !app.datasets || !app.unitById.has(place.id) || app.unitCoverage(place.id, days).state !== 'none';
      if (!known && !f.n) return [null, t.nothingLoadedLower, false];
      const v = value(f, shade, place.km2);
      return [v, v === null ? t.notReportedShort : told(v, f, shade === 'killed'), known];
    };
    const [a, textA, inA] = side(this.sumsA, app.window);
    const [b, textB, inB] = side(this.sumsB, app.state.compare!);
    const change = inA && inB ? changeOf(a, b, ...this.days) : null;
    const why = inA && inB ? t.compare.unknown : inA || inB ? t.compare.oneLong : t.compare.neither;
    return { place, a, b, textA, textB, change, why };
  }

  /** unit is one of the region's. */
  unit(id: string): Row {
    return this.rows.get(id) ?? this.row({ id, name: this.app.unitName(id), area: '', keys: [] });
  }
  cls(id: string): string {
    const { change } = this.unit(id);
    return change === null ? 'none' : className(changeClass(change, this.breaks));
  }
  change(id: string): number | null {
    return this.rows.get(id)?.change ?? null;
  }
  legend(compact: boolean): TemplateResult {
    return changeLegend(this.app, this, compact);
  }
  phoneLegend(): TemplateResult {
    return changePhoneLegend(this.app, this);
  }
  tip(id: string): TemplateResult {
    return changeTip(this.app, this, id);
  }

  // ---- the pane

  private input(end: boolean): TemplateResult {
    const app = this.app;
    const [a, b] = app.state.compare!;
    const text = fmtDay(end ? b : a);
    return html`<input class="inp nt" type="text" autocomplete="off" spellcheck="false" aria-label=${end ? t.compare.to : t.compare.from} data-other=${end ? 'to' : 'from'} size=${text.length + 1} .value=${text} @change=${(
      e: Event,
    ) => {
      const el = e.target as HTMLInputElement;
      const d = parseDate(el.value, end);
      if (d !== null) app.setOther(end ? Math.min(a, d) : d, end ? d : Math.max(b, d));
      el.value = fmtDay(app.state.compare![end ? 1 : 0]);
    }}>`;
  }

  pane(): TemplateResult {
    const app = this.app;
    const { shade } = app.state;
    const [x] = app.fullAxis;
    const preset = (label: string, name: string, [from, to]: [Day, Day]) => {
      const now = app.state.compare!;
      const on = now[0] === Math.max(x, from) && now[1] === to;
      return html`<button type="button" class="btn sm ${on ? 'on' : ''}" data-preset=${name} aria-pressed=${on} ?disabled=${to < x} @click=${() => app.setOther(from, to)}>${label}</button>`;
    };
    const all = [...this.rows.values()].sort(
      (p, q) =>
        Number(p.change === null) - Number(q.change === null) ||
        q.change! - p.change! ||
        (p.place.name < q.place.name ? -1 : 1),
    );
    const listed = all.filter((r) => r.a || r.b || (r.why !== t.compare.neither && r.change === null));
    const line = (r: Row) =>
      html`<tr data-compared=${r.place.id}><th scope="row"><bdi>${r.place.name}</bdi></th>${cell(r.a, r.textA)}${cell(r.b, r.textB)}<td class="n num ch">${
        r.change === null
          ? html`<svg class="hk" width="14" height="10" aria-hidden="true"><rect width="13" height="9" x=".5" y=".5" class="hatched" /></svg><span class="vh">${r.why}</span>`
          : html`<i class=${className(changeClass(r.change, this.breaks))}></i>${signed(r.change)}`
      }</td></tr>`;
    const group = (text: string) => html`<tr><th scope="rowgroup" colspan="4">${text}</th></tr>`;
    const ta = this.sumsA.total;
    const tb = this.sumsB.total;
    const [da, db] = this.days;
    // Where nothing is loaded of one of the windows there is no change to tell.
    const known = [app.window, app.state.compare!].every(
      ([a, b]) => !app.datasets || !!app.model?.remote || cover(app.timeCover, a, b).state !== 'none',
    );
    const total = (label: string, key: string, of: (f: Figures) => number | null) => {
      const [va, vb] = [of(ta), of(tb)];
      const c = known ? changeOf(va, vb, da, db) : null;
      return html`<tr data-total=${key}><th scope="row">${label}</th>${cell(va, told(va, ta, key === 'killed'))}${cell(vb, told(vb, tb, key === 'killed'))}<td class="n num">${c === null ? '–' : signed(c)}</td></tr>`;
    };
    const span = (f: Figures) => (f.bounded ? html`${fmt(f.from)}–${fmt(f.to)}${ofSome(f.bounded, f.n)}` : '–');
    return html`<div class="scroll cp" id="compare" role="tabpanel" aria-labelledby="tab-compare" tabindex="0">
      <p class="cp-w"><b class="key a">A</b><bdi class="nt">${fmtRange(...app.window)}</bdi><button type="button" class="btn sm" data-compare-end @click=${this.end}>${t.compare.end}${icon('x')}</button></p>
      <p class="cp-w"><b class="key b">B</b>${this.input(false)}<span aria-hidden="true">–</span>${this.input(true)}</p>
      <div class="cp-p" role="group" aria-label=${t.compare.presets}>${preset(t.compare.before, 'before', timeBefore(...app.window, app.bars))}${preset(t.compare.yearBefore, 'year', yearBefore(...app.window))}</div>
      <p class="note">${t.compare.minus} ${this.lengths()}</p>
      <table class="ct"><caption class="vh">${t.compare.title}</caption><thead><tr><td></td><th scope="col" class="n">A</th><th scope="col" class="n">B</th><th scope="col" class="n" aria-sort="descending">${t.compare.change}</th></tr></thead>
      <tbody>${total(t.table.count, 'incidents', (f) => f.n)}${total(t.facets.killed, 'killed', (f) => (f.n > f.unknown || !f.n ? f.best : null))}
        <tr data-total="low-high"><th scope="row">${t.lowHigh}</th><td class="n num">${span(ta)}</td><td class="n num">${span(tb)}</td><td></td></tr></tbody>
      <tbody>${group(t.compare.caption(t.compare.measure[shade]))}${listed.map(line)}</tbody>${
        this.others.length ? html`<tbody>${group(t.table.notInUnit)}${this.others.map(line)}</tbody>` : nothing
      }</table>
      ${all.length > listed.length ? html`<p class="note">${t.compare.notListed(all.length - listed.length)}</p>` : nothing}
    </div>`;
  }
}

const figure = (v: number | null) => (v === null ? '–' : Number.isInteger(v) ? fmt(v) : digits(v.toPrecision(2)));
/** told is a figure, and of how many incidents it is where it is a sum of deaths that some do not give. */
const told = (v: number | null, f: Figures, deaths: boolean): Text =>
  deaths && v !== null ? html`${figure(v)}${ofSome(f.n - f.unknown, f.n)}` : figure(v);
const cell = (v: number | null, text: Text) => html`<td class="n num ${v === null ? 'nl' : ''}">${text}</td>`;
