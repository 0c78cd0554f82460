// The time strip: bars under a brush. Bars are drawn once per filter, scale and width; a step of the brush only moves
// a clip rectangle and the handles, so that the coloured bars are exactly the window.

import { html, nothing, render } from 'lit';
import type { Period } from '../api/client';
import {
  addBars,
  BARS,
  type Bars,
  barIndex,
  barStart,
  type Day,
  edges,
  fmtDay,
  fmtMonth,
  fmtRange,
  monthName,
  parseDate,
  parseIso,
  parts,
  ymd,
} from '../lib/dates';
import { onWords } from '../lib/i18n';
import { icon, PAUSE, PLAY } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { digits, fmt, isolate, safeUrl } from '../lib/text';
import { N_TYPES } from '../lib/vocab';
import { type App, type Change, lazily } from '../state/app';
import { SPEEDS } from '../state/permalink';
import { niceTop } from './scale';
import './strip.css';

/** height of the overview line, px */
const OVER = 8;

type Handle = 'start' | 'end' | 'window';
interface Drag {
  kind: Handle | 'new';
  /** it is the second window that is dragged */
  other: boolean;
  /** days of the window before the drag, for Escape */
  before: [Day | null, Day | null];
  window: [Day, Day];
  x: number;
  anchor: Day;
  pointer: number;
  moved: boolean;
}

export class TimeStrip {
  private body = document.createElement('div');
  private head = document.createElement('div');
  private svgBox = document.createElement('div');
  private handles: Record<Handle, HTMLElement>;
  /** those of the second window, with which the first is compared */
  private others: Record<Handle, HTMLElement>;
  private bands = document.createElement('div');
  /** the line under a zoomed axis: the whole of time, the part in view, the window */
  private over = document.createElement('div');
  private note = document.createElement('div');
  private e: Int32Array = new Int32Array([0, 1]);
  private unit: Bars = 'month';
  private a: Day = 0;
  private b: Day = 1;
  private w = 1000;
  private h = 146;
  private px = 16;
  private top = 0;
  private base = 0;
  private drag: Drag | null = null;
  private open: Period | null = null;
  private stale = true;
  private spark = '';
  private left = 0;
  private ground = document.createElement('div');
  private inside = document.createElement('div');
  private above = document.createElement('div');
  private small = matchMedia('(max-width: 719px)');
  private pinch = new Map<number, number>();

  constructor(
    private app: App,
    private host: HTMLElement,
  ) {
    this.head.className = 'tt';
    this.body.className = 'tb0';
    this.svgBox.className = 'tsv';
    this.bands.className = 'bands';
    this.over.className = 'ovl';
    this.over.append(document.createElement('u'), document.createElement('i'));
    this.over.addEventListener('pointerdown', (ev) => this.slide(ev));
    this.note.className = 'tnote';
    const handle = (kind: Handle, other = false): HTMLElement => {
      const el = document.createElement('div');
      el.className = `hd ${kind}${other ? ' other' : ''}`;
      el.hidden = other;
      if (other) el.dataset.other = '';
      el.dataset.tag = other ? 'B' : 'A';
      el.tabIndex = 0;
      el.setAttribute('role', 'slider');
      el.setAttribute('aria-orientation', 'horizontal');
      el.dataset.handle = kind;
      if (kind !== 'window') el.innerHTML = '<i></i>';
      el.addEventListener('keydown', (ev) => this.key(ev, kind, other));
      return el;
    };
    const three = (other: boolean) => ({
      start: handle('start', other),
      end: handle('end', other),
      window: handle('window', other),
    });
    this.handles = three(false);
    this.others = three(true);
    const name = () => {
      for (const [{ start, end, window }, words] of [
        [this.handles, t],
        [this.others, t.compare],
      ] as const) {
        start.setAttribute('aria-label', words.handleStart);
        end.setAttribute('aria-label', words.handleEnd);
        window.setAttribute('aria-label', words.handleWindow);
      }
      this.stale = true;
    };
    name();
    onWords(name);
    this.ground.className = 'gw0';
    this.inside.className = 'tin';
    this.above.className = 'tsv';
    this.body.append(
      this.ground,
      this.svgBox,
      this.inside,
      this.above,
      ...Object.values(this.handles),
      ...Object.values(this.others),
      this.bands,
      this.over,
    );
    this.host.append(this.head, this.body, this.note);
    this.body.addEventListener('pointerdown', (ev) => this.down(ev));
    this.body.addEventListener('pointermove', (ev) => this.moveTo(ev));
    this.body.addEventListener('pointerup', (ev) => this.up(ev));
    this.body.addEventListener('pointercancel', (ev) => this.up(ev));
    this.body.addEventListener('dblclick', () => {
      this.app.set({ from: null, to: null, axis: null });
    });
    this.body.addEventListener('wheel', (ev) => this.wheel(ev), { passive: false });
    document.addEventListener('click', (ev) => {
      const menu = this.head.querySelector<HTMLDetailsElement>('.tmenu[open]');
      if (menu && !menu.contains(ev.target as Node)) menu.open = false;
      if (this.open && !this.bands.contains(ev.target as Node)) this.shut();
    });
    document.addEventListener('keydown', (ev) => {
      if (ev.key === 'Escape' && this.drag) this.takeBack();
      if (ev.key === 'Escape') this.shut();
    });
    new ResizeObserver(() => {
      this.stale = true;
      this.app.touch({ ui: true });
    }).observe(host);
  }

  private low = matchMedia('(max-height: 479px)');
  private narrow = matchMedia('(max-width: 1023px)');
  private tight = matchMedia('(max-width: 1240px)');
  /** folded: put away by the reader, or because the window is low. */
  get folded(): boolean {
    return this.app.state.folded || this.low.matches;
  }
  get phone(): boolean {
    return this.small.matches;
  }

  // ---- geometry

  private x(day: Day): number {
    return this.px + ((day - this.a) / (this.b + 1 - this.a)) * (this.w - 2 * this.px);
  }
  private dayAt(x: number): number {
    return this.a + ((x - this.px) / (this.w - 2 * this.px)) * (this.b + 1 - this.a);
  }
  /** edgeAt gives the bar edge nearest to a place; the brush always lies on edges, so that bars are wholly in or out. */
  private edgeAt(x: number): Day {
    const d = this.dayAt(x);
    const k = Math.max(0, Math.min(this.e.length - 2, barIndex(this.e, Math.floor(d))));
    if (d <= this.e[0]!) return this.e[0]!;
    if (d >= this.e[this.e.length - 1]!) return this.e[this.e.length - 1]!;
    return d - this.e[k]! < this.e[k + 1]! - d ? this.e[k]! : this.e[k + 1]!;
  }

  // ---- drawing

  draw(c: Change): void {
    const app = this.app;
    if (c.data || c.filter) this.stale = true;
    const w = this.host.clientWidth || innerWidth;
    if (app.playing) this.follow(app.window[1]);
    const folded = this.folded;
    const phone = this.phone;
    this.px = phone ? 12 : 16;
    const h = app.state.embed ? 110 : phone ? 92 : 146;
    const [a, b] = app.axis;
    app.setWidth(w - 2 * this.px);
    const unit = app.bars;
    if (w !== this.w || h !== this.h || a !== this.a || b !== this.b || unit !== this.unit) this.stale = true;
    Object.assign(this, { w, h, a, b, unit });
    this.body.hidden = folded;
    if (this.stale) {
      this.stale = false;
      this.rebuild();
    }
    this.place();
    if (c.ui || c.window || c.data || c.rest) this.drawHead();
  }

  private rebuild(): void {
    const app = this.app;
    const { w, h, a, b, px, unit } = this;
    const phone = this.phone;
    const bandH = phone ? 9 : 13;
    this.top = 4 + 2 * (bandH + 2) + 6;
    // When zoomed, the overview line stands under the axis.
    this.base = h - 20 - (app.state.axis ? OVER + 2 : 0);
    const { top, base } = this;
    const e = edges(a, b, unit);
    this.e = e;
    const n = e.length - 1;
    const hist = app.model ? app.model.histogram(e, unit) : null;
    const nice = niceTop(hist?.top ?? 0);
    const y = (v: number) => base - (v / nice) * (base - top);
    const f = (v: number) => v.toFixed(2);
    const bw = n ? (this.x(e[n]!) - this.x(e[0]!)) / n : 0;
    const gap = bw > 5 ? 1 : bw > 2.4 ? 0.6 : 0;
    let grey = '';
    let hatch = '';
    const types: string[] = new Array(N_TYPES).fill('');
    let spark = '';
    if (hist)
      for (let k = 0; k < n; k++) {
        const x0 = Math.max(px, this.x(e[k]!));
        const x1 = Math.min(w - px, this.x(e[k + 1]!));
        const wd = Math.max(0.6, x1 - x0 - gap);
        let v = 0;
        for (let ty = 0; ty < N_TYPES; ty++) {
          const m = hist.types[k * N_TYPES + ty]!;
          if (!m) continue;
          types[ty] += `M${f(x0)} ${f(y(v))}h${f(wd)}V${f(y(v + m))}h${f(-wd)}z`;
          v += m;
        }
        if (v) grey += `M${f(x0)} ${base}h${f(wd)}V${f(y(v))}h${f(-wd)}z`;
        if (hist.hatched[k]) {
          // Spread over several bars: no gap, at least 2 px high.
          const top0 = Math.min(y(v + hist.hatched[k]!), y(v) - 2);
          const ww = x1 - x0;
          hatch += `M${f(x0)} ${f(y(v))}h${f(ww)}V${f(top0)}h${f(-ww)}z`;
        }
        const all = v + hist.hatched[k]!;
        if (all)
          spark += `M${((k / n) * 200).toFixed(1)} 30h${Math.max(0.8, 200 / n).toFixed(1)}V${(30 - (all / nice) * 26).toFixed(1)}h${(-Math.max(0.8, 200 / n)).toFixed(1)}z`;
      }
    this.spark = spark;
    const ticks = phone || h < 120 ? [nice] : [nice / 2, nice].filter(Number.isInteger);
    let g = '';
    for (const v of ticks) g += `<line class="gr" x1="${px}" x2="${w - px}" y1="${f(y(v))}" y2="${f(y(v))}"/>`;
    // Time that no dataset covers is hatched, not empty.
    const gaps: [Day, Day][] = [];
    if (app.datasets && app.model && !app.progress) {
      let at = a;
      for (const [s, z] of app.timeCover) {
        if (s > at) gaps.push([at, Math.min(s - 1, b)]);
        at = Math.max(at, z + 1);
      }
      if (at <= b) gaps.push([at, b]);
    }
    for (const [s, z] of gaps) {
      if (z < a || s > b || z < s) continue;
      const x0 = this.x(Math.max(a, s));
      const x1 = this.x(Math.min(b, z) + 1);
      g += `<rect x="${f(x0)}" y="${top}" width="${f(x1 - x0)}" height="${base - top}" fill="url(#tn)" opacity=".85"/>`;
      if (x1 - x0 > 70)
        g += `<text class="nl" x="${f((x0 + x1) / 2)}" y="${f((top + base) / 2 + 4)}" text-anchor="middle">${t.nothingLoadedLower}</text>`;
    }
    g += `<path class="out" d="${grey}"/><path d="${hatch}" fill="url(#to)"/>`;
    const coloured = `<path class="wipe" d="${hatch}"/>${types.map((d, ty) => (d ? `<path class="t${ty}" d="${d}"/>` : '')).join('')}<path d="${hatch}" fill="url(#ti)"/>`;
    let over = '';
    for (const v of ticks)
      over += `<text class="yl" x="${px + 10}" y="${f(y(v) + 11)}">${v === nice ? isolate(`${fmt(v)} ${t.perBar[unit]}`) : fmt(v)}</text>`;
    if (hist && hist.top === 0 && !app.progress && app.model!.cols.n > 0)
      over += `<text class="yl" x="${w / 2}" y="${base - 8}" text-anchor="middle">${t.noMatchStrip}</text>`;
    g += `<line class="ab" x1="${px}" x2="${w - px}" y1="${base + 0.5}" y2="${base + 0.5}"/>${this.axis()}`;
    if (!phone) {
      const has = (kind: string) => app.periods.some((p) => this.row(p) === (kind === 'ceasefire' ? 0 : 1));
      if (has('ceasefire')) over += `<text class="bl b0" x="${px}" y="14">${t.ceasefire}</text>`;
      if (has('talks')) over += `<text class="bl b1" x="${px}" y="29">${t.talks}</text>`;
    }
    const pat = (id: string, line: string, bg: string, lw: number, s: number) =>
      `<pattern id="${id}" width="${s}" height="${s}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="${bg}" width="${s}" height="${s}"/><rect class="${line}" width="${lw}" height="${s}"/></pattern>`;
    // Three layers: what stands still, the coloured bars of the window, and the words above both. The middle one is
    // clipped by its box, so that a step of the brush paints nothing anew.
    const open = `<svg class="tsvg" style="width:${w}px" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}"`;
    this.svgBox.innerHTML = `${open} role="img" aria-label="${t.chart}"><defs>${pat('to', 'pr', 'pp', 1.2, 4)}${pat('tn', 'hln', 'hbg', 1, 6)}</defs>${g}</svg>`;
    this.inside.innerHTML = `${open} aria-hidden="true"><defs>${pat('ti', 'pb1', 'pp', 1.5, 4)}</defs>${coloured}</svg>`;
    this.above.innerHTML = `${open} aria-hidden="true">${over}</svg>`;
    this.inside.style.height = `${h}px`;
    this.inside.style.width = `${w}px`;
    this.ground.style.top = `${top - 3}px`;
    this.ground.style.height = `${base - top + 3}px`;
    this.body.style.height = `${h}px`;
    this.drawBands();
  }

  private axis(): string {
    const { a, b, px, w, base } = this;
    const f = (v: number) => v.toFixed(1);
    let g = '<g class="ax">';
    const years = (b + 1 - a) / 365.25;
    const perYear = (w - 2 * px) / years;
    const tick = (x: number, major: boolean) =>
      `<line x1="${f(x)}" x2="${f(x)}" y1="${base}" y2="${base + (major ? 5 : 3)}"/>`;
    if (years > 3) {
      const step = perYear > 34 ? 1 : perYear > 17 ? 2 : perYear > 8 ? 5 : 10;
      for (let y = parts(a).y; y <= parts(b).y + 1; y++) {
        const x = this.x(ymd(y, 1, 1));
        if (x < px - 1 || x > w - px) continue;
        const major = y % step === 0;
        g += tick(x, major);
        if (major && x < w - px - 26) g += `<text x="${f(x + 3)}" y="${base + 14}">${digits(String(y))}</text>`;
      }
    } else if (b - a > 70) {
      let last = -99;
      for (const m of edges(a, b, 'month')) {
        const x = this.x(m);
        if (x < px - 1 || x > w - px - 30) continue;
        g += tick(x, true);
        if (x - last < 50) continue;
        const p = parts(m);
        g += `<text x="${f(x + 3)}" y="${base + 14}">${isolate(digits(`${monthName(p.m)}${p.m === 1 || last < 0 ? ` ${p.y}` : ''}`))}</text>`;
        last = x;
      }
    } else {
      let last = -99;
      for (const d of edges(a, b, 'day')) {
        const x = this.x(d);
        if (x < px - 1 || x > w - px - 20) continue;
        g += tick(x, parts(d).d === 1);
        if (x - last < 56) continue;
        const p = parts(d);
        g += `<text x="${f(x + 3)}" y="${base + 14}">${isolate(digits(`${p.d} ${monthName(p.m)}${last < 0 ? ` ${p.y}` : ''}`))}</text>`;
        last = x;
      }
    }
    return `${g}</g>`;
  }

  private row(p: Period): 0 | 1 {
    return /cease|truce/i.test(p.kind) ? 0 : 1;
  }
  private span(p: Period): [Day, Day] | null {
    const s = parseIso(p.start_date ?? '');
    // Without an end it reaches to the last day that anything is known for.
    const z = p.end_date ? parseIso(p.end_date) : this.app.extent[1];
    return s === null || z === null || z < s ? null : [s, z];
  }

  /** shut closes what a band says, and gives the focus back to the band if it was in there. */
  private shut(): void {
    if (!this.open) return;
    const inside = this.bands.querySelector('.bandbox')?.contains(document.activeElement);
    const band = this.bands.querySelector<HTMLElement>('[aria-expanded=true]');
    this.open = null;
    this.drawBands();
    if (inside) band?.focus();
  }

  private drawBands(): void {
    const bandH = this.phone ? 9 : 13;
    const { a, b, w, px } = this;
    const all = this.app.periods.flatMap((p) => {
      const s = this.span(p);
      if (!s || s[1] < a || s[0] > b) return [];
      const x0 = this.x(Math.max(a, s[0]));
      return [{ p, s, row: this.row(p), x0, x1: Math.max(x0 + 3, this.x(Math.min(b, s[1]) + 1)) }];
    });
    const phone = this.phone;
    const items = all.map(({ p, s, row, x0, x1 }) => {
      const textW = p.name.length * 5.7 + 10;
      const fitsIn = !phone && x1 - x0 > textW;
      const free =
        !phone &&
        !fitsIn &&
        x1 + textW < w - px &&
        !all.some((o) => o.p !== p && o.row === row && o.x0 < x1 + textW + 4 && o.x1 > x1);
      // At least 24 px to hit, upwards for the first row and downwards for the second; what is seen is the inner part.
      // For a finger 44 px, over both rows where the other has none. Towards a neighbour it ends half-way, so that
      // each can be hit.
      const bw = x1 - x0;
      const least = matchMedia('(pointer: coarse)').matches ? 44 : 24;
      const spare = Math.max(0, least - bw) / 2;
      let left = x0 - spare;
      let right = x1 + spare;
      for (const o of all) {
        if (o.p === p || o.row !== row) continue;
        if (o.x0 > x0) right = Math.max(x0 + 2, Math.min(right, (x1 + o.x0) / 2));
        else left = Math.min(x1 - 2, Math.max(left, (o.x1 + x0) / 2));
      }
      const hit = right - left;
      const y = 4 + row * (bandH + 2);
      const alone = !all.some((o) => o.row !== row && o.x0 < right && o.x1 > left);
      const tall = alone ? least : 24;
      const up = row === 0 ? 24 - bandH : tall - 24;
      return html`<button type="button" class="band k${row} ${free ? 'after' : ''}" aria-expanded=${this.open === p}
        title="${isolate(p.name)}: ${fmtRange(s[0], s[1])}" style="left:${left.toFixed(1)}px;top:${y - up}px;width:${hit.toFixed(1)}px;height:${tall}px"
        @pointerdown=${(ev: Event) => ev.stopPropagation()}
        @click=${() => {
          this.open = this.open === p ? null : p;
          this.drawBands();
        }}><i style="left:${(x0 - left).toFixed(1)}px;top:${up}px;width:${bw.toFixed(1)}px;height:${bandH}px">${fitsIn || free ? html`<span><bdi>${p.name}</bdi></span>` : html`<span class="vh"><bdi>${p.name}</bdi></span>`}</i></button>`;
    });
    const o = this.open;
    const s = o && this.span(o);
    const parties = o ? (Array.isArray(o.parties) ? o.parties.join('; ') : (o.parties ?? '')) : '';
    render(
      html`${items}${
        o && s
          ? html`<div class="menu bandbox" role="dialog" aria-label=${o.name} style="left:${Math.max(8, Math.min(w - 290, this.x(Math.max(a, s[0]))))}px" @pointerdown=${(ev: Event) => ev.stopPropagation()} @dblclick=${(ev: Event) => ev.stopPropagation()}>
              <b><bdi>${o.name}</bdi></b> <span class="tag">${this.row(o) ? t.talks : t.ceasefire}</span><br><span class="nt">${o.end_date ? fmtRange(s[0], s[1]) : `${fmtDay(s[0])} –`}</span>
              <p class="note" dir="auto">${parties}${parties && o.note ? '. ' : ''}${o.note ?? ''}</p>
              <p class="note">${(o.sources ?? []).map((x, k) => {
                const name = [x.publisher, x.title].filter(Boolean).join(': ') || t.sourceUnknown;
                const u = safeUrl(x.url);
                return html`${k ? '; ' : ''}${u ? html`<a href=${u} rel="noreferrer noopener" target="_blank">${name}</a>` : name}`;
              })}</p>
              <button type="button" class="lnk" @click=${() => {
                this.shut();
                this.app.setDays(s[0], s[1]);
              }}>${t.setWindow}</button>
            </div>`
          : nothing
      }`,
      this.bands,
    );
  }

  /** placeOver shows which part of time is in view, and where the window lies in the whole. */
  private placeOver(): void {
    const { app, over, px, w } = this;
    over.hidden = !app.state.axis;
    if (over.hidden) return;
    over.title = t.axisPart;
    const [x, z] = app.fullAxis;
    const set = (el: Element, from: Day, to: Day, least: number) => {
      const at = (d: Day) => Math.max(0, Math.min(1, (d - x) / (z + 1 - x))) * (w - 2 * px);
      (el as HTMLElement).style.left = `${at(from).toFixed(1)}px`;
      (el as HTMLElement).style.width = `${Math.max(least, at(to + 1) - at(from)).toFixed(1)}px`;
    };
    over.style.left = `${px}px`;
    over.style.width = `${w - 2 * px}px`;
    set(over.firstElementChild!, this.a, this.b, 6);
    set(over.lastElementChild!, ...app.window, 2);
  }

  /** slide drags the part in view along the overview line. */
  private slide(down: PointerEvent): void {
    if (down.button !== 0) return;
    down.stopPropagation();
    down.preventDefault();
    const { over, app } = this;
    const [x, z] = app.fullAxis;
    const len = this.b - this.a;
    const box = over.getBoundingClientRect();
    const dayOf = (ev: PointerEvent) => x + ((ev.clientX - box.left) / box.width) * (z + 1 - x);
    const at = dayOf(down);
    // Beside the part in view, it comes to where the pointer is.
    const grip = at >= this.a && at <= this.b ? at - this.a : len / 2;
    const go = (ev: PointerEvent) => this.showFrom(dayOf(ev) - grip);
    over.setPointerCapture(down.pointerId);
    over.addEventListener('pointermove', go);
    const end = () => over.removeEventListener('pointermove', go);
    over.addEventListener('pointerup', end, { once: true });
    over.addEventListener('pointercancel', end, { once: true });
    go(down);
  }

  /** showFrom moves the part of time in view, which keeps its length. */
  private showFrom(day: number): void {
    const [x, z] = this.app.fullAxis;
    const len = this.b - this.a;
    const a = Math.round(Math.max(x, Math.min(z - len, day)));
    if (a !== this.a) this.app.set({ axis: a <= x && a + len >= z ? null : [a, a + len] });
  }

  /** follow brings a day into view when the axis is zoomed: what is moved by keys or play stays in sight. */
  private follow(day: Day): void {
    const [a, b] = this.app.axis;
    if (this.app.state.axis && (day < a || day > b)) this.showFrom(day < a ? day : day - (b - a));
  }

  /** place moves what follows the brush. */
  place(): void {
    const app = this.app;
    const [from, to] = app.window;
    this.placeOver();
    const { a, b, e } = this;
    const w0 = this.x(Math.max(a, Math.min(from, b + 1)));
    const w1 = this.x(Math.max(a, Math.min(to, b) + 1));
    // Layers of their own that are moved and stretched: a step of the brush lays out and paints nothing here.
    this.ground.style.transform = `translateX(${w0.toFixed(2)}px) scaleX(${Math.max(0, w1 - w0).toFixed(2)})`;
    // Bars are coloured whole, also when typed dates cut one in the middle.
    const k0 = from <= e[0]! ? 0 : barIndex(e, from);
    const k1 = to >= e[e.length - 1]! - 1 ? e.length - 2 : barIndex(e, to);
    const none = to < a || from > b;
    const c0 = none || k0 < 0 ? 0 : this.x(e[k0]!);
    const c1 = none || k1 < 0 ? 0 : this.x(e[k1 + 1]!);
    // The box of the coloured bars clips them: it is made narrow, and what is in it as much wider again.
    const part = Math.max(c1 - c0, 0.01) / this.w;
    this.inside.style.transform = `translateX(${c0}px) scaleX(${part})`;
    (this.inside.firstElementChild as SVGElement | null)?.style.setProperty(
      'transform',
      `scaleX(${1 / part}) translateX(${-c0}px)`,
    );
    this.placeHandles(this.handles, [from, to], app.state.cumulative);
    const other = app.compared ? app.state.compare : null;
    if (other) this.placeHandles(this.others, other, false);
    else for (const el of Object.values(this.others)) if (!el.hidden) el.hidden = true;
  }

  private placeHandles(handles: Record<Handle, HTMLElement>, [from, to]: [Day, Day], cum: boolean): void {
    const { a, b, top, base } = this;
    const w0 = this.x(Math.max(a, Math.min(from, b + 1)));
    const w1 = this.x(Math.max(a, Math.min(to, b) + 1));
    const narrow = w1 - w0 < 14;
    const { start, end, window: win } = handles;
    start.hidden = cum || from < a || from > b;
    end.hidden = to < a || to > b + 400;
    start.style.transform = `translateX(${(w0 - (narrow ? 5 : 0)).toFixed(1)}px)`;
    end.style.transform = `translateX(${(w1 + (narrow ? 5 : 0)).toFixed(1)}px)`;
    win.hidden = handles === this.others && (to < a || from > b);
    // What is only there to be taken hold of can wait until the hand lets go.
    if (!this.drag?.moved) {
      win.style.transform = `translateX(${w0.toFixed(1)}px)`;
      win.style.width = `${Math.max(2, w1 - w0).toFixed(1)}px`;
      win.classList.toggle('cum', cum);
      for (const el of [start, end, win]) {
        el.style.top = `${top - 3}px`;
        el.style.height = `${base - top + 3}px`;
      }
    }
    const [x, z] = this.app.fullAxis;
    const slider = (el: HTMLElement, now: Day, text: string) => {
      const put = (name: string, v: string) => {
        if (el.getAttribute(name) !== v) el.setAttribute(name, v);
      };
      put('aria-valuemin', String(x));
      put('aria-valuemax', String(z));
      put('aria-valuenow', String(now));
      put('aria-valuetext', text);
    };
    slider(start, from, fmtDay(from));
    slider(end, to, fmtDay(to));
    slider(win, from, t.windowText(fmtDay(from), fmtDay(to)));
  }

  private lengthText(): string {
    const [a, b] = this.app.window;
    if (this.app.state.cumulative) return t.cumulativeSince;
    const days = b - a + 1;
    if (days <= 62) return t.days(days);
    const months = Math.max(1, Math.round(days / 30.44));
    return months > 120 ? t.years(Math.round(days / 365.25)) : t.months(months);
  }

  private setDate(ev: Event, end: boolean): void {
    const el = ev.target as HTMLInputElement;
    const d = parseDate(el.value, end);
    const [a, b] = this.app.window;
    if (d === null) {
      document.getElementById('toast')!.textContent = t.badDate(el.value);
      document.getElementById('toast')!.classList.add('on');
      setTimeout(() => document.getElementById('toast')!.classList.remove('on'), 4000);
      el.value = fmtDay(end ? b : a);
      return;
    }
    // A date beyond the other end moves that end along: the last word counts.
    if (end) this.app.setDays(Math.min(a, d), d);
    else this.app.setDays(d, Math.max(b, d));
    this.app.touch({ ui: true });
    const [x, y] = this.app.window;
    el.value = fmtDay(end ? y : x);
  }

  private drawHead(): void {
    const app = this.app;
    const [a, b] = app.window;
    const s = app.state;
    const phone = this.phone;
    const input = (end: boolean) => {
      const text = fmtDay(end ? b : a);
      return html`<input class="f nt" type="text" autocomplete="off" spellcheck="false" aria-label=${end ? t.to : t.from} data-date=${end ? 'to' : 'from'} size=${text.length} .value=${text}
        @change=${(ev: Event) => this.setDate(ev, end)} @keydown=${(ev: KeyboardEvent) => {
          if (ev.key === 'Enter') (ev.target as HTMLInputElement).blur();
        }} style="width:${text.length + 0.6}ch">`;
    };
    const folded = this.folded;
    const mode = html`<span class="seg" role="group"><button type="button" class=${s.cumulative ? '' : 'on'} aria-pressed=${!s.cumulative} @click=${() => app.set({ cumulative: false })}>${t.window}</button><button type="button" class=${s.cumulative ? 'on' : ''} aria-pressed=${s.cumulative} @click=${() => app.set({ cumulative: true })}>${t.cumulative}</button></span>`;
    const other = s.compare;
    const compare = html`<button type="button" class="btn sm ${other ? 'on' : ''}" data-compare aria-pressed=${!!other} @click=${() => this.compare()}>${t.compare.start}</button>`;
    const speed = (cls: string) =>
      html`<select class="btn sm ${cls}" aria-label=${t.speedLabel} .value=${String(s.speed)} @change=${(ev: Event) => app.set({ speed: Number((ev.target as HTMLSelectElement).value) })}>${SPEEDS.map((v) => html`<option value=${v} ?selected=${v === s.speed}>${t.speed(v)}</option>`)}</select>`;
    const sizes = (cls: string) =>
      html`<span class="seg ${cls}" role="group" aria-label=${t.bars}>${BARS.map(
        (u) =>
          html`<button type="button" data-bars=${u} class=${u === this.unit ? 'on' : ''} aria-pressed=${u === this.unit} @click=${() => app.set({ bars: s.bars === u ? null : u })}>${t.bar[u]}</button>`,
      )}</span>`;
    // Where there is no room for them in a row, the same controls stand in a small menu.
    const menu = this.tight.matches
      ? html`<details class="tmenu" @keydown=${(ev: KeyboardEvent) => {
          const d = ev.currentTarget as HTMLDetailsElement;
          if (ev.key !== 'Escape' || !d.open) return;
          ev.stopPropagation();
          d.open = false;
          d.querySelector('summary')?.focus();
        }}><summary class="btn sm" aria-label=${t.timeOptions} title=${t.timeOptions}>⋯</summary><div class="menu tm">${phone ? compare : nothing}${mode}${speed('')}<span class="lab">${s.bars ? t.bars : t.barsAuto}</span>${sizes('')}${app.isWhole && !s.axis ? nothing : html`<button type="button" class="btn sm" @click=${() => app.set({ from: null, to: null, axis: null })}>${t.wholeRange}</button>`}</div></details>`
      : nothing;
    const p = app.progress;
    render(
      html`<span class="pl"><button type="button" class="play ${app.playing ? 'on' : ''}" data-play aria-label=${app.playing ? t.pause : t.play} title=${app.playing ? t.pause : t.play} @click=${() => app.play(!app.playing)}>${app.playing ? PAUSE : PLAY}</button>
        <span class="st"><button type="button" aria-label=${t.stepBack} title=${t.stepBack} @click=${() => app.step(-1)}>${icon('back')}</button><button type="button" aria-label=${t.stepForward} title=${t.stepForward} @click=${() => app.step(1)}>${icon('fwd')}</button></span></span>
      <div class="rd"><span class="rng0">${input(false)} – ${input(true)}</span><small>${phone && other ? nothing : this.lengthText()}${other ? html`<span class="rb">${t.compare.b(fmtRange(...other))}</span>` : nothing}</small></div>
      ${phone ? nothing : html`${this.narrow.matches || other ? nothing : mode}${other ? nothing : speed('spd')}${compare}`}
      <span class="grow"></span>${menu}
      ${folded ? html`<svg class="spark" width="200" height="32" viewBox="0 0 200 32" aria-hidden="true"><rect class="gw" x=${this.frac(a) * 200} width=${Math.max(2, (this.frac(b + 1) - this.frac(a)) * 200)} y="2" height="28"></rect><path class="sp" d=${this.spark}></path></svg>` : nothing}
      ${
        phone || folded
          ? nothing
          : html`${app.isWhole && !s.axis ? nothing : html`<button type="button" class="btn sm whole" @click=${() => app.set({ from: null, to: null, axis: null })}>${t.wholeRange}</button>`}<span class="lab wide">${s.bars ? t.bars : t.barsAuto}</span>${sizes('wide')}`
      }
      ${
        phone || this.low.matches
          ? nothing
          : html`<button type="button" class="btn sm fold" aria-label=${s.folded ? t.unfold : t.fold} title=${s.folded ? t.unfold : t.fold} aria-expanded=${!s.folded} @click=${() => {
              this.stale = true;
              app.set({ folded: !s.folded });
            }}>${icon(s.folded ? 'unfold' : 'fold')}</button>`
      }`,
      this.head,
    );
    render(
      p
        ? html`<div class="pb"><i style="width:${p.count ? (p.loaded / p.count) * 100 : 0}%"></i></div><p class="note">${p.back === null ? t.loading : t.loadedBack(fmt(p.loaded), fmt(p.count), fmtMonth(p.back))}</p>`
        : nothing,
      this.note,
    );
  }
  /** compare turns the second window on or off. */
  private compare(): void {
    const app = this.app;
    if (app.state.compare) app.set({ compare: null, tab: 'filters' }, { window: true, rest: true });
    else void lazily().then((m) => m.start(app));
  }
  private frac(d: Day): number {
    const [x, z] = this.app.axis;
    return Math.max(0, Math.min(1, (d - x) / (z + 1 - x)));
  }

  // ---- pointer

  private localX(ev: PointerEvent | WheelEvent): number {
    // Measured when the pointer goes down: measuring at each move would force a layout.
    return ev.clientX - (this.drag ? this.left : this.body.getBoundingClientRect().left);
  }

  private down(ev: PointerEvent): void {
    if (ev.button !== 0) return;
    if (ev.pointerType === 'touch') {
      this.pinch.set(ev.pointerId, this.localX(ev));
      if (this.pinch.size === 2) {
        this.takeBack();
        return;
      }
    }
    const app = this.app;
    this.left = this.body.getBoundingClientRect().left;
    const x = this.localX(ev);
    const el = (ev.target as Element).closest<HTMLElement>('[data-handle]');
    let kind: Handle | 'new' = (el?.dataset.handle as Handle | undefined) ?? 'new';
    const other = el?.dataset.other !== undefined;
    const [a, b] = this.days(other);
    // The whole range cannot be moved: drawing in it makes a window.
    if (kind === 'window' && !other && (app.isWhole || app.state.cumulative)) kind = 'new';
    app.play(false);
    this.drag = {
      kind,
      other,
      before: other ? [a, b] : [app.state.from, app.state.to],
      window: [a, b],
      x,
      anchor: this.edgeAt(x),
      pointer: ev.pointerId,
      moved: false,
    };
    this.body.setPointerCapture(ev.pointerId);
    if (el && kind !== 'new') el.focus({ preventScroll: true });
    else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    ev.preventDefault();
  }

  private moveTo(ev: PointerEvent): void {
    if (this.pinch.has(ev.pointerId)) {
      const before = [...this.pinch.values()];
      this.pinch.set(ev.pointerId, this.localX(ev));
      if (this.pinch.size === 2) {
        const now = [...this.pinch.values()];
        const d0 = Math.abs(before[0]! - before[1]!);
        const d1 = Math.abs(now[0]! - now[1]!);
        if (d0 > 8 && d1 > 8) this.zoomAt((now[0]! + now[1]!) / 2, d0 / d1);
        return;
      }
    }
    const d = this.drag;
    if (!d || ev.pointerId !== d.pointer) return;
    const x = this.localX(ev);
    if (!d.moved && Math.abs(x - d.x) < 3) return;
    if (!d.moved) {
      d.moved = true;
      this.app.setMoving(true);
      this.body.classList.add('dragging');
    }
    const [a, b] = d.window;
    const set = (from: Day, to: Day) => this.put(d.other, from, to);
    if (d.kind === 'new') {
      const at = this.edgeAt(x);
      if (at > d.anchor) set(d.anchor, at - 1);
      else if (at < d.anchor) set(at, d.anchor - 1);
      else set(barStart(d.anchor, this.unit), addBars(barStart(d.anchor, this.unit), 1, this.unit) - 1);
    } else if (d.kind === 'start') {
      const at = this.edgeAt(x);
      if (at > b) set(barStart(b, this.unit), b);
      else set(at, b);
    } else if (d.kind === 'end') {
      const at = this.edgeAt(x);
      if (at <= a) set(a, addBars(barStart(a, this.unit), 1, this.unit) - 1);
      else set(a, at - 1);
    } else this.moveBy(d.other, d.window, x - d.x);
  }
  /** days of the first window, or of the other. */
  private days(other: boolean): [Day, Day] {
    return (other && this.app.state.compare) || this.app.window;
  }
  private put(other: boolean, a: Day, b: Day): void {
    if (other) this.app.setOther(a, b);
    else this.app.setDays(a, b);
  }

  /** moveBy moves the window by pixels, keeping its length in bars. */
  private moveBy(other: boolean, [a, b]: [Day, Day], dx: number): void {
    const days = (dx / (this.w - 2 * this.px)) * (this.b + 1 - this.a);
    const n = edges(a, b, this.unit).length - 1;
    let start = this.edgeAt(this.x(a + days));
    const [x, y] = this.app.fullAxis;
    const last = barStart(y, this.unit);
    start = Math.max(barStart(x, this.unit), Math.min(start, addBars(last, 1 - n, this.unit)));
    this.put(other, start, addBars(start, n, this.unit) - 1);
  }

  /** moveBars moves the second window by bars, as far as there is time. */
  private moveBars(n: number, a: Day, b: Day): void {
    const u = this.unit;
    const len = edges(a, b, u).length - 1;
    const [x, y] = this.app.fullAxis;
    const last = addBars(barStart(y, u), 1 - len, u);
    const start = Math.max(barStart(x, u), Math.min(last, addBars(barStart(a, u), n, u)));
    this.put(true, start, addBars(start, len, u) - 1);
  }

  private up(ev: PointerEvent): void {
    this.pinch.delete(ev.pointerId);
    const d = this.drag;
    if (!d || ev.pointerId !== d.pointer) return;
    this.drag = null;
    this.body.classList.remove('dragging');
    if (d.moved) {
      this.app.setMoving(false);
      this.place();
    } else if (d.kind === 'new' && ev.type === 'pointerup' && !this.app.isWhole) {
      const k = barIndex(this.e, Math.floor(this.dayAt(d.x)));
      if (k >= 0) this.app.setDays(this.e[k]!, this.e[k + 1]! - 1);
    }
  }

  private takeBack(): void {
    const d = this.drag;
    if (!d) return;
    this.drag = null;
    this.body.classList.remove('dragging');
    if (d.other) this.put(true, d.before[0]!, d.before[1]!);
    else this.app.set({ from: d.before[0], to: d.before[1] });
    this.app.setMoving(false);
  }

  private wheel(ev: WheelEvent): void {
    ev.preventDefault();
    if (ev.shiftKey || Math.abs(ev.deltaX) > Math.abs(ev.deltaY)) {
      const len = this.b - this.a;
      const by = Math.round((((ev.deltaX || ev.deltaY) / this.w) * len) / 2) || Math.sign(ev.deltaX || ev.deltaY);
      this.showFrom(this.a + by);
      return;
    }
    this.zoomAt(this.localX(ev), Math.exp(Math.max(-1, Math.min(1, ev.deltaY / 300))));
  }

  private zoomAt(px: number, factor: number): void {
    const [x, y] = this.app.fullAxis;
    const at = this.dayAt(px);
    const len = Math.max(14, (this.b + 1 - this.a) * factor);
    if (len >= y - x) {
      this.app.set({ axis: null });
      return;
    }
    const a = Math.round(Math.max(x, Math.min(y + 1 - len, at - ((at - this.a) / (this.b + 1 - this.a)) * len)));
    this.app.set({ axis: [a, Math.min(y, Math.round(a + len - 1))] });
  }

  // ---- keys

  private key(ev: KeyboardEvent, kind: Handle, other: boolean): void {
    const app = this.app;
    const [a, b] = this.days(other);
    const set = (from: Day, to: Day) => this.put(other, from, to);
    const [x, y] = app.fullAxis;
    const u = this.unit;
    const left = ev.key === 'ArrowLeft' || ev.key === 'ArrowDown';
    const right = ev.key === 'ArrowRight' || ev.key === 'ArrowUp';
    let n = 0;
    let year = false;
    if (left || right) n = (left ? -1 : 1) * (ev.shiftKey ? 10 : 1);
    else if (ev.key === 'PageUp' || ev.key === 'PageDown') {
      n = ev.key === 'PageUp' ? 1 : -1;
      year = true;
    } else if (ev.key === ' ') {
      ev.preventDefault();
      app.play(!app.playing);
      return;
    } else if (ev.key === '+' || ev.key === '=' || ev.key === '-') {
      ev.preventDefault();
      this.zoomAt(this.x(kind === 'end' ? b + 1 : kind === 'start' ? a : (a + b) / 2), ev.key === '-' ? 1.5 : 1 / 1.5);
      return;
    } else if (ev.key !== 'Home' && ev.key !== 'End') return;
    ev.preventDefault();
    const jump = (d: Day) =>
      year ? addBars(d, n * (u === 'year' ? 1 : 12), u === 'year' ? 'year' : 'month') : addBars(d, n, u);
    const home = ev.key === 'Home';
    const edge = n === 0;
    if (kind === 'start') {
      const to = edge ? (home ? x : barStart(b, u)) : year ? jump(barStart(a, 'month')) : jump(barStart(a, u));
      set(Math.min(to, barStart(b, u)), b);
    } else if (kind === 'end') {
      const next = barStart(b + 1, u) === b + 1 ? b + 1 : addBars(barStart(b, u), 1, u);
      const to = edge ? (home ? addBars(barStart(a, u), 1, u) : y + 1) : jump(year ? barStart(next, 'month') : next);
      set(a, Math.max(to, addBars(barStart(a, u), 1, u)) - 1);
    } else if (edge) {
      const len = edges(a, b, u).length - 1;
      const start = home ? barStart(x, u) : addBars(barStart(y, u), 1 - len, u);
      set(start, addBars(start, len, u) - 1);
    } else {
      const steps = year ? n * Math.max(1, Math.round(365 / { day: 1, week: 7, month: 30.4, year: 365 }[u])) : n;
      if (other) {
        this.moveBars(steps, a, b);
      } else if (!app.step(steps)) {
        const len = edges(a, b, u).length - 1;
        const start = n < 0 ? barStart(x, u) : addBars(barStart(y, u), 1 - len, u);
        if (!app.state.cumulative) set(start, addBars(start, len, u) - 1);
      }
    }
    this.follow(this.days(other)[kind === 'end' || (kind === 'window' && right) ? 1 : 0]);
  }
}
