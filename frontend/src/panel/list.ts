// The list: newest first, months with their counts. Of a long list only the rows in view exist as elements.
import { html, nothing, render, type TemplateResult } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import { HAS_CLAIMS, IMPRECISE_DATE, NO_UNIT, NOT_REPORTED } from '../lib/columns';
import { fmtMonth, fmtShort, monthName, parts, ymd } from '../lib/dates';
import { glyph, icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { fmt, fmtDeaths } from '../lib/text';
import { precisionClass, Spot } from '../lib/vocab';
import type { Pages } from '../served/pages';
import type { App } from '../state/app';
import { lowerBound, type Model } from '../state/model';
import type { Only } from '../state/permalink';
import { whyNoBest } from './claims';
import { days, title } from './describe';
import { Texts } from './texts';

const ROW = 72;
const HEAD = 26;
/** So many rows are all there, for a reader of the screen and for the browser's own search. */
const WHOLE = 200;
/** Browsers cannot scroll further than some 30 million px; beyond this the list is scrolled in proportion. */
const TALLEST = 12e6;

interface Month {
  /** first index in rows */
  at: number;
  n: number;
  label: string;
  /** top in px */
  y: number;
}

/** placeText names the unit of a row, or what is known of the place where there is none; '' for nothing. */
export function placeText(app: App, row: number): string {
  const h = app.header!;
  const c = app.model!.cols;
  if (c.unit(row) !== NO_UNIT) return app.unitName(h.units[c.unit(row)]!);
  if (c.spot(row) === Spot.BORDER) return t.borderShort;
  const a = h.areas[c.area(row)];
  return a?.province ? app.provinceName(a.province) : a ? (t.countries[a.country] ?? a.country) : '';
}

const ghost = (w: number) =>
  html`<div class="row"><i style="width:36px"></i><i></i><div><i style="width:${w}%"></i><i style="width:${w / 2}%"></i></div></div>`;

export class List {
  /** rows of the window, newest first; n of them are used */
  rows = new Uint32Array(0);
  n = 0;
  private months: Month[] = [];
  private height = 0;
  /** how far it was scrolled when it was drawn last, in px of all its rows */
  private top = 0;
  private texts: Texts;
  private scroller: HTMLElement | null = null;
  private focusRow = -1;

  constructor(
    private app: App,
    redraw: () => void,
  ) {
    this.texts = new Texts(app, redraw);
  }

  forget(): void {
    this.texts.forget();
  }

  /** passes says whether a row belongs to what a badge stands for. */
  private passes(only: Only | null): (row: number) => boolean {
    if (!only) return () => true;
    const h = this.app.header!;
    const c = this.app.model!.cols;
    switch (only.kind) {
      case 'unit': {
        const u = h.units.indexOf(only.unit);
        return (r) => c.spot(r) === Spot.UNIT && c.unit(r) === u;
      }
      case 'province':
        return (r) => {
          const a = h.areas[c.area(r)];
          return c.spot(r) === Spot.PROVINCE && a?.province === only.province && a.country === only.country;
        };
      case 'country':
        return (r) => c.spot(r) === Spot.COUNTRY && h.areas[c.area(r)]?.country === only.country;
      case 'border': {
        const { unit, but } = only;
        return (r) =>
          c.spot(r) === Spot.BORDER && (unit ? h.units[c.unit(r)] === unit : !but?.includes(h.units[c.unit(r)] ?? ''));
      }
      case 'none':
        return (r) => c.spot(r) === Spot.NONE;
      case 'place': {
        const [w, s, e, n] = only.box;
        // The columns hold coordinates in steps of two metres.
        const d = 1e-4;
        return (r) =>
          c.spot(r) === Spot.POINT && c.lon(r) >= w - d && c.lon(r) <= e + d && c.lat(r) >= s - d && c.lat(r) <= n + d;
      }
      case 'rows': {
        const set = new Set(only.fids);
        return (r) => set.has(c.fid[r]!);
      }
    }
  }

  /**
   * gather lists the window's rows and its months. While the brush moves beside a list that stands at its beginning, only
   * the newest are looked up, and the others keep their room.
   */
  gather(): void {
    const model = this.app.model!;
    if (model.remote) {
      if (model !== this.served) {
        this.served = model;
        this.pages = model.pages();
      }
      this.pages!.gather(this.app.state.only);
      this.turn();
      return;
    }
    this.pages = this.served = null;
    if (this.rows.length < model.cols.n) this.rows = new Uint32Array(model.cols.n);
    const rows = this.rows;
    const { fail, i0, cols, extra } = model;
    const only = this.app.state.only;
    const pass = this.passes(only);
    let n = 0;
    let y = 0;
    this.months = [];
    const { moving, detail } = this.app;
    const enough = moving && !only && !detail && this.top < 2000 ? 5000 : Infinity;
    // A month at a time, so that of a million rows each costs a step.
    for (let end = model.i1; end > i0; ) {
      const p = parts(cols.first(end - 1));
      const first = lowerBound(cols.start, i0, end, ymd(p.y, p.m, 1) - cols.origin);
      const at = n;
      if (only) {
        for (let i = end - 1; i >= first; i--) if (fail[i] === 0 && pass(i)) rows[n++] = i;
      } else for (let i = end - 1; i >= first; i--) if (fail[i] === 0) rows[n++] = i;
      if (n > at) this.months.push({ at, n: n - at, label: fmtMonth(cols.first(first)), y: 0 });
      end = first;
      y += n > at ? HEAD + (n - at) * ROW : 0;
      if (y > enough) break;
    }
    for (const i of y > enough ? [] : extra) {
      if (fail[i] !== 0 || !pass(i)) continue;
      const label = fmtMonth(cols.first(i));
      const month = this.months[this.months.length - 1];
      if (month?.label === label) month.n++;
      else this.months.push({ at: n, n: 1, label, y: 0 });
      rows[n++] = i;
    }
    this.n = y > enough ? this.app.tally.total : n;
    this.stack();
    this.height += (this.n - n) * ROW;
  }
  private stack(): void {
    let y = 0;
    for (const m of this.months) {
      m.y = y;
      y += HEAD + m.n * ROW;
    }
    this.height = y;
  }

  private pages: Pages | null = null;
  private served: Model | null = null;
  /** turn takes what the server has answered so far. */
  private turn(): void {
    const p = this.pages!;
    if (p.rows === this.rows) return;
    this.rows = p.rows;
    this.n = p.n;
    this.months = p.months.map((m) => ({ at: m.at, n: m.n, label: fmtMonth(m.day), y: 0 }));
    this.stack();
  }

  indexOf(row: number): number {
    return row < 0 ? -1 : this.rows.subarray(0, this.n).indexOf(row);
  }

  private yOf(index: number): number {
    let k = 0;
    while (k + 1 < this.months.length && this.months[k + 1]!.at <= index) k++;
    const m = this.months[k];
    return m ? m.y + HEAD + (index - m.at) * ROW : 0;
  }
  private indexAt(y: number): number {
    const m = this.months[this.monthAt(y)]!;
    return m.at + Math.floor(Math.max(0, y - m.y - HEAD) / ROW);
  }
  private monthAt(y: number): number {
    let lo = 0;
    let hi = this.months.length - 1;
    while (lo < hi) {
      const mid = (lo + hi + 1) >> 1;
      if (this.months[mid]!.y <= y) lo = mid;
      else hi = mid - 1;
    }
    return lo;
  }

  /** toRow scrolls the list to a row of the window. */
  toRow(row: number): void {
    const i = this.indexOf(row);
    const s = this.scroller;
    if (i < 0 || !s) return;
    const shown = Math.min(this.height, TALLEST);
    const y = (this.yOf(i) * shown) / Math.max(1, this.height);
    if (y < s.scrollTop + HEAD || y > s.scrollTop + s.clientHeight - ROW) s.scrollTop = y - s.clientHeight / 3;
  }

  view(): TemplateResult {
    const app = this.app;
    const only = app.state.only;
    return html`${
      only
        ? html`<div class="only"><span>${t.onlyShown(this.onlyText(only))} <b class="num">${fmt(this.n)}</b></span><button type="button" class="lnk" @click=${() => app.set({ only: null })}>${t.showAll}</button></div>`
        : nothing
    }<div class="scroll list" id="list" role="tabpanel" aria-labelledby="tab-list" @scroll=${() => this.drawRows()}></div>`;
  }

  private onlyText(o: Only): string {
    switch (o.kind) {
      case 'unit':
        return t.somewhereIn(this.app.unitName(o.unit));
      case 'province':
        return t.somewhereIn(this.app.provinceName(o.province));
      case 'country':
        return t.somewhereIn(t.countries[o.country] ?? o.country);
      case 'border':
        return o.unit ? t.borderAt(this.app.unitName(o.unit)) : t.alongBorder;
      case 'none':
        return t.onlyNone;
      case 'place':
      case 'rows':
        return t.onlyHere;
    }
  }

  /** drawRows renders what is in sight. */
  drawRows(empty: TemplateResult | null = null): void {
    const el = document.getElementById('list');
    if (!el) return;
    this.scroller = el;
    if (this.pages) this.turn();
    if (empty || !this.n) {
      if (empty) render(empty, el);
      else if (!this.n) render(this.loading(), el);
      return;
    }
    const app = this.app;
    const view = el.clientHeight || 600;
    const shown = Math.min(this.height, TALLEST);
    const ratio = shown > view ? (this.height - view) / (shown - view) : 1;
    const top = Math.max(0, Math.min(this.height - view, el.scrollTop * ratio));
    this.top = top;
    // Places of rows are relative to the scroll position, so that they fit in what the browser can scroll.
    const shift = el.scrollTop - top;
    const near = [top - 4 * ROW, top + view + 4 * ROW] as const;
    const moving = app.moving;
    const [y0, y1] = this.n <= WHOLE && !moving ? [0, this.height] : near;
    const out: TemplateResult[] = [];
    const want: number[] = [];
    const selected = app.selectedRow;
    for (let k = this.monthAt(Math.max(0, y0)); k < this.months.length; k++) {
      const m = this.months[k]!;
      if (m.y > y1) break;
      out.push(
        html`<li class="lh" style="top:${m.y + shift}px"><span>${m.label}</span><span class="num">${fmt(m.n)}</span></li>`,
      );
      const from = Math.max(0, Math.floor((y0 - m.y - HEAD) / ROW));
      const to = Math.min(m.n, Math.ceil((y1 - m.y - HEAD) / ROW));
      for (let j = from; j < to; j++) {
        const i = m.at + j;
        const row = this.rows[i]!;
        const y = m.y + HEAD + j * ROW;
        if (row >= app.model!.cols.n) {
          out.push(html`<li class="ghosts" style="top:${y + shift}px">${ghost(80)}</li>`);
          continue;
        }
        // One request brings the texts of a whole short list; of one that is narrowed to a badge it would bring others.
        if ((this.n <= WHOLE && !this.app.state.only) || (y + ROW > near[0] && y < near[1])) want.push(row);
        // While the brush moves, elements take on other rows; made anew they would cost more than all the rest.
        out.push(html`${keyed(moving ? -1 : app.model!.cols.fid[row], this.row(row, i, y + shift, row === selected))}`);
      }
    }
    if (this.pages) {
      const at = this.indexAt(top);
      this.pages.want(at - 20, at + Math.ceil(view / ROW) + 20);
    }
    const now = this.months[this.monthAt(top)]!;
    // Rows that are made anew keep the focus of the one that had it.
    const held = el.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset.fid : undefined;
    render(
      html`<div class="lh now" aria-hidden="true"><span>${now.label}</span><span class="num">${fmt(now.n)}</span></div><ol class="rows" style="height:${shown - HEAD}px">${out}</ol>`,
      el,
    );
    // What is dragged past is not read.
    if (!moving || app.playing) this.texts.want(want);
    const at =
      this.focusRow >= 0
        ? `[data-i="${this.focusRow}"]`
        : held && !el.contains(document.activeElement) && `[data-fid="${held}"]`;
    const b = at && el.querySelector<HTMLElement>(at);
    if (b) {
      b.focus({ preventScroll: true });
      this.focusRow = -1;
    }
  }

  private loading(): TemplateResult {
    return html`<div class="ghosts" aria-hidden="true">${[92, 78, 86, 64, 80, 70].map((w) => ghost(w))}</div>`;
  }

  private row(row: number, i: number, y: number, selected: boolean): TemplateResult {
    const app = this.app;
    const h = app.header!;
    const c = app.model!.cols;
    const fid = c.fid[row]!;
    const p = this.texts.get(fid);
    const type = c.type(row);
    const word = h.precisions[c.precision(row)]!;
    const k = precisionClass(word);
    const area = h.areas[c.area(row)];
    // Of the border the words of precision say it.
    const place = c.spot(row) === Spot.BORDER ? '' : placeText(app, row);
    const how = k === 2 ? t.unitOnly(area?.country ?? 'PK') : t.precisions[k]!;
    const best = c.best(row);
    const set = app.dataset(h.datasets[c.dataset(row)]!);
    const start = c.first(row);
    const end = c.last(row);
    const vague = (c.flags(row) & IMPRECISE_DATE) !== 0 && c.days(row) > 0;
    const when = vague
      ? p
        ? days(start, end, p.time_precision !== 'range' && p.time_precision !== 'unknown')
        : ''
      : '';
    const text = p ? title(p) : t.types[type]!;
    const claims = (c.flags(row) & HAS_CLAIMS) !== 0;
    // Without a best figure the row says why: two sides differ, one side claims, there is a bound only, or nothing was reported.
    const why = p ? whyNoBest(p) : claims ? t.claimsAny : t.notReportedShort;
    return html`<li style="top:${y}px" aria-setsize=${this.n} aria-posinset=${i + 1}><button type="button" class="row ${selected ? 'sel' : ''}" data-fid=${fid} data-i=${i} aria-current=${selected ? 'true' : 'false'}
      @click=${() => app.select(row)} @keydown=${(ev: KeyboardEvent) => this.key(ev, i)} @mouseenter=${() => this.hover(row)} @mouseleave=${() => this.hover(-1)}>
      <span class="d nt">${vague ? monthName(parts(start).m) : fmtShort(start)}</span><span class="sh">${glyph(type)}<span class="vh">${t.types[type]}</span></span>
      <span class="bd"><span class="s ${p ? '' : 'wait'}" dir="auto">${text}</span><span class="p">${icon(`p${k}`)}${place ? html`<span class="pl0"><bdi>${place}</bdi></span><span class="pd">·</span>` : nothing}<span class="how">${how}</span>${when ? html`<span class="wh">· ${when}</span>` : nothing}${set?.synthetic ? html`<span class="tag w">${t.synthetic}</span>` : set?.sample ? html`<span class="tag w">${t.sample}</span>` : nothing}</span></span>
      <span class="k num ${best === NOT_REPORTED || best === 0 ? 'nil' : ''}">${best === NOT_REPORTED ? html`–<small>${why}</small>` : html`${fmtDeaths(best)}${i === 0 ? html`<small>${t.killedS}</small>` : html`<span class="vh"> ${t.killedS}</span>`}`}</span></button></li>`;
  }

  private hover(row: number): void {
    this.app.hover(row);
  }

  private key(ev: KeyboardEvent, i: number): void {
    const by: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    let to = -1;
    if (by[ev.key]) to = Math.max(0, Math.min(this.n - 1, i + by[ev.key]!));
    else if (ev.key === 'Home') to = 0;
    else if (ev.key === 'End') to = this.n - 1;
    if (to < 0) return;
    ev.preventDefault();
    this.focusRow = to;
    const s = this.scroller!;
    const shown = Math.min(this.height, TALLEST);
    const y = (this.yOf(to) * shown) / Math.max(1, this.height);
    if (y < s.scrollTop + HEAD) s.scrollTop = Math.max(0, y - HEAD);
    else if (y > s.scrollTop + s.clientHeight - ROW) s.scrollTop = y - s.clientHeight + ROW;
    this.drawRows();
  }
}
