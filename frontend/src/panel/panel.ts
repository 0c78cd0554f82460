// The panel: counts, active filters, filters or list, and what to say when there is nothing.
import { html, nothing, render, type TemplateResult } from 'lit';
import { fmtDay, fmtRange, parseIso } from '../lib/dates';
import { t } from '../lib/strings.en';
import { digits, fmt, plainError } from '../lib/text';
import { NO_TYPE, TYPES } from '../lib/vocab';
import type { App, Change } from '../state/app';
import { nearestType, type State, served } from '../state/permalink';
import type { Uploads } from '../state/uploads';
import { attribution, borderNote } from './attribution';
import { chipList, chips } from './chips';
import { backToList, detailView } from './detail';
import { Facets } from './facets';
import { List } from './list';
import { LoadView } from './load';
import { storeEmpty } from './notes';
import { gaps, killed } from './sums';

/** REST is how many ms at least lie between two drawings of the rows while the brush moves. */
const REST = 80;

export class Panel {
  readonly list: List;
  readonly load: LoadView;
  private facets: Facets;
  private gathered = '';
  private share: () => void;
  private body = document.createElement('div');

  constructor(
    private app: App,
    host: HTMLElement,
    share: () => void,
    uploads: Uploads,
  ) {
    this.share = share;
    this.load = new LoadView(app, uploads);
    this.facets = new Facets(app);
    this.list = new List(app, () => this.app.touch({ ui: true }));
    this.body.className = 'pbody';
    this.statsBox.className = 'stats';
    this.statsBox.setAttribute('aria-live', 'off');
    host.append(this.body);
    document.addEventListener('keydown', (e) => {
      if (
        e.key !== 'Escape' ||
        e.defaultPrevented ||
        !(this.app.detail || this.app.loadOpen) ||
        // what is being typed is not thrown out of sight
        (e.target as Element).closest?.('input:not([type=checkbox]), textarea, select') ||
        document.querySelector('.menu:not([hidden], .tmenu:not([open]) *), .dragging')
      )
        return;
      e.preventDefault();
      if (this.app.detail) backToList(this.app, this.list);
      else this.app.closeLoad();
    });
  }

  private widest = matchMedia('(min-width: 1680px)');
  get wide(): boolean {
    return this.widest.matches;
  }

  private drawn = 0;
  private late = 0;
  private statsBox = document.createElement('div');

  draw(c: Change): void {
    const app = this.app;
    render(this.stats(), this.statsBox);
    // Sixty rows of text cost more to paint than a map. While the brush moves, the sums above follow each step, and the
    // rows come a few times a second, if they can in a frame without a step.
    clearTimeout(this.late);
    const now = performance.now();
    const since = now - this.drawn;
    if (app.moving && !c.data && !c.filter && since < (c.window ? 2 * REST : REST)) {
      this.late = window.setTimeout(() => app.touch({ ui: true }), Math.max(4, REST - since));
      return;
    }
    this.drawn = now;
    if (c.data) this.list.forget();
    const showList = app.state.tab === 'list' || this.wide || !!app.detail;
    if (app.model && showList) {
      const key = `${app.model.from}|${app.model.to}|${app.moving}|${JSON.stringify(app.state.only)}`;
      if (c.filter || c.data || key !== this.gathered) {
        this.gathered = key;
        this.list.gather();
      }
    } else this.gathered = '';
    render(
      html`${app.detail ? this.detail() : app.loadOpen ? html`${this.banners()}${this.load.view()}` : this.main()}<p class="note pf">${borderNote(app)} ${attribution(app)}</p>`,
      this.body,
    );
    this.focusHeading();
    if (!app.detail && !app.loadOpen && showList && document.getElementById('list')) this.list.drawRows(this.empty());
  }

  private headed = '';
  /** focusHeading goes to the heading of an incident that was opened; the buttons before and after it keep the focus. */
  private focusHeading(): void {
    this.focusLoad();
    const d = this.app.detail;
    const key = d ? d.key : '';
    if (!d || key === this.headed) {
      if (!d) this.headed = '';
      return;
    }
    if (!d.feature && !d.error) return;
    this.headed = key;
    const bar = document.activeElement?.closest('.d-bar');
    // A link opened with the page leaves the focus where the page begins.
    if (bar || !this.drawnOnce) return;
    this.body.querySelector<HTMLElement>('.d-h, .d-in .bn')?.focus({ preventScroll: true });
  }
  private loadHeaded = false;
  /** focusLoad goes to the heading of the view of loads when it opens, and back to its button when it shuts. */
  private focusLoad(): void {
    const open = this.app.loadOpen && !this.app.detail;
    if (open === this.loadHeaded) return;
    this.loadHeaded = open;
    if (open) {
      this.load.begin();
      this.body.querySelector<HTMLElement>('#load-h')?.focus({ preventScroll: true });
    } else if (!this.app.detail && (document.activeElement === document.body || !document.activeElement))
      document.querySelector<HTMLElement>('[data-load]')?.focus({ preventScroll: true });
  }
  /** the reader has done something since the page was opened */
  private get drawnOnce(): boolean {
    return navigator.userActivation?.hasBeenActive ?? true;
  }

  private detail(): TemplateResult {
    return html`${this.banners()}${detailView(this.app, this.list, this.share)}`;
  }

  private main(): TemplateResult {
    const app = this.app;
    const tab = app.state.tab;
    const compare = tab === 'compare' ? app.compared : null;
    const pane =
      this.wide && app.model
        ? html`<div class="two"><div class="col" id="filters-col">${this.facets.view()}</div><div class="col">${app.compared ? this.tabs() : nothing}${compare?.pane() ?? this.list.view()}</div></div>`
        : compare
          ? compare.pane()
          : tab === 'list'
            ? this.list.view()
            : this.facets.view();
    return html`${this.banners()}<div class="head"><h1>${t.titles[app.state.shade]}</h1><div class="sub">${t.region}</div>${this.statsBox}</div>
      ${chips(app)}${this.wide ? nothing : this.tabs()}${pane}`;
  }

  private stats(): TemplateResult {
    const app = this.app;
    const tl = app.tally;
    const p = app.progress;
    const wait = !app.model;
    let elsewhere = 0;
    app.header?.units.forEach((id, i) => {
      if (app.unitById.has(id) && !app.inFocus(id)) elsewhere += tl.unit[i]!;
    });
    const noBounds = wait || tl.bounded === 0;
    const old = app.header?.before_origin ?? 0;
    return html`<div><b class="num" data-count="incidents">${wait ? '–' : fmt(tl.total)}</b><span>${p ? t.soFarOf(p.count) : t.incidents(tl.total)}</span></div>
      <div><b class="num" data-count="best" title=${tl.huge ? t.orMore : nothing}>${wait ? '–' : killed(tl)}</b><span>${p ? t.killedSoFar : t.killed}</span></div>
      <div><b class="num thin" data-count="low-high" title=${noBounds ? t.lowHighNone : nothing}>${noBounds ? '–' : `${fmt(tl.low)}–${fmt(tl.high)}${tl.huge ? '+' : ''}`}</b><span>${t.lowHigh}</span></div>
      ${app.model?.remote ? html`<p class="nr" data-served>${t.beyond}</p>` : nothing}
      ${elsewhere ? html`<p class="nr">${t.elsewhere(elsewhere)}</p>` : nothing}
      ${tl.silent ? html`<p class="nr"><span class="nt" data-count="unknown">${t.notReported(tl.silent)}</span></p>` : nothing}
      ${gaps(tl).map((g) => html`<p class="nr"><span class="nt" data-gap>${g}</span></p>`)}
      ${old > 0 ? html`<p class="nr" data-before-origin>${t.before1900(old)}</p>` : nothing}`;
  }

  private tabs(): TemplateResult {
    const app = this.app;
    // Where there is room the filters stand beside the others.
    const ids: State['tab'][] = [
      ...(this.wide ? [] : ['filters' as const]),
      'list',
      ...(app.compared ? ['compare' as const] : []),
    ];
    const now = ids.includes(app.state.tab) ? app.state.tab : ids[0];
    const tab = (id: State['tab'], label: unknown) =>
      html`<button type="button" role="tab" id="tab-${id}" aria-selected=${now === id} aria-controls=${now === id ? id : nothing} tabindex=${now === id ? 0 : -1}
        @click=${() => app.set({ tab: id })} @keydown=${(e: KeyboardEvent) => {
          if (e.key !== 'ArrowLeft' && e.key !== 'ArrowRight') return;
          const other = ids.at((ids.indexOf(id) + (e.key === 'ArrowLeft' ? -1 : 1)) % ids.length)!;
          app.set({ tab: other });
          requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(`tab-${other}`)?.focus()));
        }}>${label}</button>`;
    return html`<div class="tabs" role="tablist" aria-label=${`${t.filters}${t.comma}${t.list}`}>${this.wide ? nothing : tab('filters', t.filters)}${tab('list', html`${t.list} <span class="num" data-count="list">${app.model ? fmt(app.tally.total) : '–'}</span>`)}${app.compared ? tab('compare', t.compare.start) : nothing}</div>`;
  }

  /** empty says what was asked and how to go on; null when there is something to list. */
  private empty(): TemplateResult | null {
    const app = this.app;
    const m = app.model;
    if (!m || app.progress) return null;
    if (!m.remote && m.cols.n === 0 && !served(app.state)) return storeEmpty(app);
    if (app.tally.total > 0) {
      if (this.list.n === 0 && !m.remote) return html`<div class="empty"><p>${t.emptyTitle}.</p></div>`;
      return null;
    }
    const [a, b] = app.window;
    const [x, z] = app.fullAxis;
    const when = fmtRange(a, b);
    const on = chipList(app);
    const covered = !app.datasets || app.timeCover.some(([s, e]) => s <= b && e >= a);
    if (!covered && !m.remote && m.countIf(a, b, 255) === 0) {
      const ends = app.timeCover.filter(([, e]) => e < a).pop();
      const begins = app.timeCover.find(([s]) => s > b);
      const last = ends?.[1];
      const y = last === undefined ? null : new Date(last * 864e5).getUTCFullYear();
      const from = y === null ? null : parseIso(`${y}-01-01`);
      return html`<div class="empty"><h2>${t.noneTitle(when)}</h2><p>${ends ? `${t.noneEnds(fmtDay(ends[1]))} ` : begins ? `${t.noneBegins(fmtDay(begins[0]))} ` : ''}${t.noneText}</p><ul>
        ${from !== null && last !== undefined ? this.out(t.goToLast, m.countIf(from, last, 0), () => app.setDays(from, last)) : nothing}
        ${this.out(t.widenAll, m.countIf(x, z, 0), () => app.set({ from: null, to: null }))}</ul></div>`;
    }
    const yr = app.year;
    const inYear = m.countIf(Math.max(x, yr.from), Math.min(z, yr.to), 0);
    // What the server keeps out is not here to be counted.
    const far = on.filter((c) => c.bit === 0 || m.remote);
    const bits = far.length ? [] : [...new Set(on.map((c) => c.bit))];
    return html`<div class="empty"><h2>${t.emptyTitle}</h2><p>${[...on.map((c) => c.label), when].join(t.comma)}</p><ul>
      ${bits.map((bit) => {
        const of = on.filter((c) => c.bit === bit);
        const n = m.countIf(a, b, bit);
        return n
          ? this.out(t.lift(of.map((c) => c.label).join(t.comma)), n, () => {
              for (const c of of) c.lift();
            })
          : nothing;
      })}
      ${far.map((c) => this.out(t.lift(c.label), null, c.lift))}
      ${inYear ? this.out(t.widenYear(yr.label), inYear, () => app.setDays(yr.from, yr.to)) : nothing}
      ${app.isWhole || !(m.remote || m.countIf(x, z, 0)) ? nothing : this.out(t.widenAll, m.remote ? null : m.countIf(x, z, 0), () => app.set({ from: null, to: null }))}
      ${on.length > 1 || !far.length ? (on.length ? this.out(t.clearAll, far.length ? null : m.countIf(a, b, 255), () => app.clearFilters()) : nothing) : nothing}</ul></div>`;
  }
  private out(label: string, n: number | null, go: () => void): TemplateResult {
    return html`<li><button type="button" class="lnk" @click=${go}>${label}</button>${n === null ? nothing : html`<span class="num">${fmt(n)}</span>`}</li>`;
  }

  private banners(): TemplateResult {
    const app = this.app;
    const out: TemplateResult[] = [];
    const retry = html`<button type="button" class="btn" @click=${() => app.retry()}>${t.tryAgain}</button>`;
    if (app.failed && !app.model)
      out.push(
        html`<div class="bn e" role="alert"><span><b>${t.failTitle}</b>${plainError(app.failed, t.noConnection)}</span>${retry}</div>`,
      );
    else if (app.offline)
      out.push(
        html`<div class="bn w" role="alert"><span><b>${t.offlineTitle}</b>${t.offlineText(digits(app.offline))}</span>${retry}</div>`,
      );
    if (app.mapFailed) out.push(html`<div class="bn w"><span>${t.failMap}</span></div>`);
    if (app.problems.length) {
      out.push(
        html`<div class="bn e" role="alert" data-problems><span><b>${app.problems.every((p) => p.gone) ? t.goneTitle : t.linkTitle}</b>${app.problems
          .slice(0, 4)
          .map((p) => {
            const near = p.param === 'event_type' ? nearestType(p.value) : null;
            const k = near ? t.types.findIndex((_, i) => i !== NO_TYPE && near === TYPES[i]) : -1;
            return html`<span class="pr">${p.gone ? t.gone(p.value) : t.linkText(p.param, p.value)}${
              near
                ? html` ${t.didYouMean} <button type="button" class="lnk" @click=${() => {
                    app.problems = app.problems.filter((o) => o !== p);
                    app.toggle('types', [k], true);
                  }}>${near}</button>?`
                : nothing
            }</span>`;
          })}${app.problems.length > 4 ? html`<span class="pr" data-more-problems>${t.linkMore(app.problems.length - 4)}</span>` : nothing}${app.problems.every((p) => p.gone) ? nothing : html`<span class="pr">${t.linkKept}</span>`}</span><button type="button" class="btn" @click=${() => {
          app.problems = [];
          app.touch({ ui: true });
        }}>${t.dismiss}</button></div>`,
      );
    }
    return html`${out}`;
  }
}
