// The panel: counts, active filters, the facets with live counts, the list, and what to say when there is nothing.
import { html, nothing, render, type TemplateResult } from 'lit';
import type { Dataset } from '../api/client';
import { fmtDay, fmtRange, parseIso } from '../lib/dates';
import { glyph, icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { fmt, plainError } from '../lib/text';
import { N_PRECISION_CLASSES, N_TYPES, NO_TYPE, precisionClass, TYPES, wordsOfClass } from '../lib/vocab';
import { type App, type Change, typeWord } from '../state/app';
import { Facet, KILL_STEPS } from '../state/model';
import { nearestType } from '../state/permalink';
import type { Uploads } from '../state/uploads';
import { attribution, borderNote } from './attribution';
import { backToList, detailView } from './detail';
import { List } from './list';
import { LoadView } from './load';

const FEW = 5;

interface Row {
  key: string;
  label: string;
  n: number;
  max: number;
  on: boolean | 'mixed';
  sign?: TemplateResult;
  inner?: boolean;
  text?: string;
  toggle: (on: boolean) => void;
  fold?: { open: boolean; flip: () => void; label: string };
}

export class Panel {
  readonly list: List;
  readonly load: LoadView;
  private openPlaces = new Set<string>(['PK|Khyber Pakhtunkhwa']);
  private allOf = new Set<string>();
  private shut = new Set<string>();
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
    this.list = new List(app, () => this.app.touch({ ui: true }));
    this.body.className = 'pbody';
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

  get wide(): boolean {
    return matchMedia('(min-width: 1680px)').matches;
  }

  private drawn = 0;
  private late = 0;

  draw(c: Change): void {
    const app = this.app;
    // Sixty rows of text cost more to paint than a map: while the brush moves, every second or third frame will do.
    clearTimeout(this.late);
    const now = performance.now();
    if (app.moving && !c.data && !c.filter && now - this.drawn < 45) {
      this.late = window.setTimeout(() => app.touch({ ui: true }), 50);
      return;
    }
    this.drawn = now;
    if (c.data) this.list.forget();
    const showList = app.state.tab === 'list' || this.wide || !!app.detail;
    if (app.model && showList) {
      const key = `${app.model.from}|${app.model.to}|${JSON.stringify(app.state.only)}`;
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
    const pane =
      this.wide && app.model
        ? html`<div class="two"><div class="col" id="filters-col">${this.filters()}</div><div class="col">${this.list.view()}</div></div>`
        : tab === 'list'
          ? this.list.view()
          : this.filters();
    return html`${this.banners()}<div class="head"><h1>${t.title}</h1><div class="sub">${t.region}</div>${this.stats()}</div>
      ${this.chips()}${this.wide ? nothing : this.tabs()}${pane}`;
  }

  private stats(): TemplateResult {
    const app = this.app;
    const tl = app.tally;
    const p = app.progress;
    const wait = !app.model;
    // Sums over nothing but unknown figures are unknown, not 0.
    let elsewhere = 0;
    app.header?.units.forEach((id, i) => {
      if (app.unitById.has(id) && !app.inFocus(id)) elsewhere += tl.unit[i]!;
    });
    const none = wait || (tl.total > 0 && tl.unknown === tl.total);
    const noBounds = none || tl.bounded === 0;
    const plus = tl.huge ? '+' : '';
    const old = app.header?.before_1970 ?? 0;
    return html`<div class="stats" aria-live="off"><div><b class="num" data-count="incidents">${wait ? '–' : fmt(tl.total)}</b><span>${p ? t.soFarOf(p.count) : t.incidents(tl.total)}</span></div>
      <div><b class="num" data-count="best" title=${tl.huge ? t.orMore : nothing}>${none ? '–' : `${fmt(tl.best)}${plus}`}</b><span>${p ? t.killedSoFar : t.killed}</span></div>
      <div><b class="num thin" data-count="low-high" title=${noBounds ? t.lowHighNone : tl.unbounded ? t.lowHighBest(tl.unbounded) : nothing}>${noBounds ? '–' : `${fmt(tl.low)}–${fmt(tl.high)}${plus}`}</b><span>${t.lowHigh}</span></div>
      ${elsewhere ? html`<p class="nr">${t.elsewhere(elsewhere)}</p>` : nothing}
      ${tl.silent ? html`<p class="nr"><span class="num" data-count="unknown">${t.notReported(tl.silent)}</span></p>` : nothing}
      ${old > 0 ? html`<p class="nr" data-before-1970>${t.before1970(old)}</p>` : nothing}</div>`;
  }

  private tabs(): TemplateResult {
    const app = this.app;
    const tab = (id: 'filters' | 'list', label: unknown) =>
      html`<button type="button" role="tab" id="tab-${id}" aria-selected=${app.state.tab === id} aria-controls=${id} tabindex=${app.state.tab === id ? 0 : -1}
        @click=${() => app.set({ tab: id })} @keydown=${(e: KeyboardEvent) => {
          if (e.key !== 'ArrowLeft' && e.key !== 'ArrowRight') return;
          const other = id === 'list' ? 'filters' : 'list';
          app.set({ tab: other });
          requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(`tab-${other}`)?.focus()));
        }}>${label}</button>`;
    return html`<div class="tabs" role="tablist" aria-label=${`${t.filters}, ${t.list}`}>${tab('filters', t.filters)}${tab('list', html`${t.list} <span class="num" data-count="list">${app.model ? fmt(app.tally.total) : '–'}</span>`)}</div>`;
  }

  // ---- chips

  private chipList(): { label: string; bit: number; lift: () => void }[] {
    const app = this.app;
    const s = app.state;
    const out: { label: string; bit: number; lift: () => void }[] = [];
    const put = (label: string, bit: number, lift: () => void) => out.push({ label, bit, lift });
    for (const k of [...s.types].sort()) put(typeWord(k), Facet.TYPE, () => app.toggle('types', [k], false));
    for (const v of s.countries) put(t.countries[v] ?? v, Facet.PLACE, () => app.toggle('countries', [v], false));
    for (const v of s.provinces) put(v, Facet.PLACE, () => app.toggle('provinces', [v], false));
    for (const v of s.units) put(app.unitName(v), Facet.PLACE, () => app.toggle('units', [v], false));
    const classes = new Set([...s.precisions].map((p) => precisionClass(p)));
    for (const k of [...classes].sort())
      put(t.precisions[k]!, Facet.PRECISION, () => app.toggle('precisions', wordsOfClass(k), false));
    if (s.min !== null) put(t.atLeastShort(s.min), Facet.KILLED, () => app.set({ min: null, only: null }));
    for (const v of s.datasets) put(app.datasetTitle(v), Facet.DATASET, () => app.toggle('datasets', [v], false));
    return out;
  }

  private chips(): TemplateResult | typeof nothing {
    const chips = this.chipList();
    if (!chips.length) return nothing;
    return html`<div class="chips">${chips.map(
      (c) =>
        html`<button type="button" class="chip" aria-label=${t.removeFilter(c.label)} @click=${c.lift}><span>${c.label}</span>${icon('x')}</button>`,
    )}${chips.length > 1 ? html`<button type="button" class="lnk" @click=${() => this.app.clearFilters()}>${t.clearAll}</button>` : nothing}</div>`;
  }

  // ---- facets

  private section(
    id: string,
    head: string,
    chosen: number,
    body: () => TemplateResult,
    clear: () => void,
  ): TemplateResult {
    const open = !this.shut.has(id);
    return html`<section class="fs ${open ? '' : 'shut'}" data-facet=${id}><h2><button type="button" aria-expanded=${open} @click=${() => {
      if (open) this.shut.add(id);
      else this.shut.delete(id);
      this.app.touch({ ui: true });
    }}>${head}<span class="v">${chosen ? t.chosen(chosen) : t.any}</span>${icon(open ? 'chev' : 'chr')}</button>${chosen ? html`<button type="button" class="lnk" aria-label="${t.clear}: ${head}" @click=${clear}>${t.clear}</button>` : nothing}</h2>${open ? body() : nothing}</section>`;
  }

  private row(r: Row): TemplateResult {
    const id = `f-${r.key}`;
    return html`<div class="fr ${r.sign ? '' : 'nosh'} ${r.n || r.text ? '' : 'zero'} ${r.inner ? 'in' : ''} ${r.fold ? 'fold' : ''}">
      <label><input type="checkbox" id=${id} data-key=${r.key} .checked=${r.on === true} .indeterminate=${r.on === 'mixed'} @change=${(e: Event) => r.toggle((e.target as HTMLInputElement).checked)}>
      ${r.sign ?? nothing}<span class="l" title=${r.label}>${r.label}</span>${
        r.text
          ? html`<span class="tx">${r.text}</span>`
          : html`<span class="tick"><i style="transform:scaleX(${r.n ? Math.max(0.014, r.n / Math.max(1, r.max)).toFixed(3) : 0})"></i></span><span class="n num">${fmt(r.n)}</span>`
      }</label>${r.fold ? html`<button type="button" class="exp" aria-expanded=${r.fold.open} aria-label=${r.fold.label} @click=${r.fold.flip}>${icon(r.fold.open ? 'chev' : 'chr')}</button>` : nothing}</div>`;
  }

  private filters(): TemplateResult {
    const app = this.app;
    const h = app.header;
    const tl = app.tally;
    const s = app.state;
    if (app.model && app.header!.count === 0 && !app.progress)
      return html`<div class="scroll" id="filters">${this.storeEmpty()}</div>`;
    if (!h)
      return html`<div class="scroll" id="filters" role="tabpanel" aria-labelledby="tab-filters" tabindex="0">${app.failed ? nothing : html`<div class="empty"><p>${t.loading}</p></div>`}</div>`;
    const max = (a: ArrayLike<number>, n: number) => {
      let m = 1;
      for (let i = 0; i < n; i++) m = Math.max(m, a[i]!);
      return m;
    };
    const types = () => {
      const m = max(tl.fType, N_TYPES);
      return html`${Array.from({ length: N_TYPES }, (_, k) =>
        this.row({
          key: `type-${k}`,
          label: t.types[k]!,
          n: tl.fType[k]!,
          max: m,
          on: s.types.has(k),
          sign: glyph(k),
          toggle: (on) => app.toggle('types', [k], on),
        }),
      )}`;
    };
    const byClass = new Array<number>(N_PRECISION_CLASSES).fill(0);
    h.precisions.forEach((w, i) => {
      byClass[precisionClass(w)]! += tl.fPrecision[i]!;
    });
    const precisions = () => {
      const m = max(byClass, N_PRECISION_CLASSES);
      return html`${byClass.map((n, k) => {
        const words = wordsOfClass(k);
        const has = words.filter((w) => s.precisions.has(w)).length;
        return this.row({
          key: `precision-${k}`,
          label: t.precisions[k]!,
          n,
          max: m,
          on: has === 0 ? false : has === words.length ? true : 'mixed',
          sign: html`<span class="ps">${icon(`p${k}`)}</span>`,
          toggle: (on) => app.toggle('precisions', words, on),
        });
      })}`;
    };
    const killed = () => {
      // Each step counts itself and everything above.
      const from = KILL_STEPS.map((_, k) => {
        let n = 0;
        for (let j = k; j < KILL_STEPS.length; j++) n += tl.fKilled[j]!;
        return n;
      });
      const m = Math.max(1, from[0]!);
      return html`<div role="group" aria-label=${t.facets.killed}>${KILL_STEPS.map((v, k) =>
        this.row({
          key: `min-${v}`,
          label: t.atLeast(v),
          n: from[k]!,
          max: m,
          on: s.min === v,
          toggle: (on) => app.set({ min: on ? v : null, only: null }),
        }),
      )}</div><div class="min"><label for="min">${t.minLabel}</label><input id="min" class="inp num" inputmode="numeric" type="number" min="0" max="65000" step="1" .value=${s.min === null ? '' : String(s.min)}
        @change=${(e: Event) => {
          const v = (e.target as HTMLInputElement).value.trim();
          app.set({ min: /^\d{1,5}$/.test(v) ? Number(v) : null, only: null });
        }}> ${t.minUnit}</div><p class="note">${t.killedNote}</p>`;
    };
    const datasets = () => {
      const m = max(tl.fDataset, h.datasets.length);
      return html`${h.datasets.map((name, i) => {
        const d = app.dataset(name);
        return html`${this.row({
          key: `dataset-${name}`,
          label: `${app.datasetTitle(name)}${d?.synthetic ? ` (${t.synthetic.toLowerCase()})` : d?.sample && !/sample/i.test(app.datasetTitle(name)) ? ` (${t.sample.toLowerCase()})` : ''}`,
          n: tl.fDataset[i]!,
          max: m,
          on: s.datasets.has(name),
          toggle: (on) => app.toggle('datasets', [name], on),
        })}${this.edition(d)}`;
      })}${this.loadLink()}`;
    };
    const places = s.units.size + s.provinces.size + s.countries.size;
    return html`<div class="scroll" id="filters" role="tabpanel" aria-labelledby="tab-filters" tabindex="0">
      ${app.onlySamples ? this.demoNote() : nothing} ${this.withheldNotes()}
      ${this.section('type', t.facets.type, s.types.size, types, () => app.set({ types: new Set() }))}
      ${this.section(
        'place',
        t.facets.place,
        places,
        () => this.places(),
        () => app.set({ units: new Set(), provinces: new Set(), countries: new Set() }),
      )}
      ${this.section('precision', t.facets.precision, new Set([...s.precisions].map(precisionClass)).size, precisions, () => app.set({ precisions: new Set() }))}
      ${this.section('killed', t.facets.killed, s.min === null ? 0 : 1, killed, () => app.set({ min: null }))}
      ${this.section('dataset', t.facets.dataset, s.datasets.size, datasets, () => app.set({ datasets: new Set() }))}
    </div>`;
  }

  private places(): TemplateResult {
    const app = this.app;
    const h = app.header!;
    const tl = app.tally;
    const s = app.state;
    // Counts of provinces and countries come from the area column, which also holds what is known no closer.
    const byProvince = new Map<string, number>();
    const byCountry = new Map<string, number>();
    h.areas.forEach((a, i) => {
      const n = tl.fArea[i]!;
      byCountry.set(a.country, (byCountry.get(a.country) ?? 0) + n);
      if (a.province) {
        const k = `${a.country}|${a.province}`;
        byProvince.set(k, (byProvince.get(k) ?? 0) + n);
      }
    });
    const unitCount = new Map<string, number>();
    h.units.forEach((id, i) => {
      unitCount.set(id, tl.fUnit[i]!);
    });
    for (const u of app.unitById.values())
      if (u.country === 'PK' && !byProvince.has(`PK|${u.province}`)) byProvince.set(`PK|${u.province}`, 0);
    const max = Math.max(1, ...byCountry.values());
    const out: TemplateResult[] = [];
    const fold = (key: string, name: string) => ({
      open: this.openPlaces.has(key),
      label: t.showUnits(name),
      flip: () => {
        if (this.openPlaces.has(key)) this.openPlaces.delete(key);
        else this.openPlaces.add(key);
        app.touch({ ui: true });
      },
    });
    const units = (key: string, ids: string[], more: (n: number) => string) => {
      const sorted = ids.sort(
        (a, b) => (unitCount.get(b) ?? 0) - (unitCount.get(a) ?? 0) || (app.unitName(a) < app.unitName(b) ? -1 : 1),
      );
      const all = this.allOf.has(key);
      // Chosen ones stay in sight, wherever they stand in the order.
      const shown = all ? sorted : sorted.filter((id, k) => k < FEW || s.units.has(id));
      for (const id of shown)
        out.push(
          this.row({
            key: `unit-${id}`,
            label: app.unitName(id),
            n: unitCount.get(id) ?? 0,
            max,
            on: s.units.has(id),
            inner: true,
            toggle: (on) => {
              // A district inside a chosen province narrows it.
              const u = app.unitById.get(id) ?? app.former(id)!;
              if (on)
                app.set({ provinces: without(s.provinces, u.province), countries: without(s.countries, u.country) });
              app.toggle('units', [id], on);
            },
          }),
        );
      if (sorted.length > shown.length || all)
        out.push(
          html`<button type="button" class="more" @click=${() => {
            if (all) this.allOf.delete(key);
            else this.allOf.add(key);
            app.touch({ ui: true });
          }}>${all ? t.fewer : more(sorted.length - shown.length)}</button>`,
        );
    };
    const provinces = [...byProvince.keys()].filter((k) => k.startsWith('PK|'));
    const rank = (k: string) => (k.endsWith('|Khyber Pakhtunkhwa') ? 0 : k.endsWith('|Balochistan') ? 1 : 2);
    provinces.sort((a, b) => rank(a) - rank(b) || byProvince.get(b)! - byProvince.get(a)!);
    for (const key of provinces) {
      const name = key.slice(3);
      const n = byProvince.get(key)!;
      const ids = [...app.unitById.values()].filter((u) => u.province === name && u.country === 'PK').map((u) => u.id);
      const inner = ids.filter((id) => app.inFocus(id));
      // What cannot be split between the districts of today has a row of its own.
      for (const id of h.units) if (app.former(id)?.province === name) inner.push(id);
      if (rank(key) === 2 && !n && !s.provinces.has(name)) continue;
      const some = inner.some((id) => s.units.has(id));
      const on = s.provinces.has(name) ? true : some ? ('mixed' as const) : false;
      out.push(
        this.row({
          key: `province-${name}`,
          label: name,
          n,
          max,
          on,
          fold: inner.length ? fold(key, name) : undefined,
          text: !n && !app.countryLoaded('PK') ? t.nothingLoadedLower : undefined,
          toggle: (v) => {
            if (v)
              app.set({
                units: new Set([...s.units].filter((id) => !ids.includes(id) && !inner.includes(id))),
                countries: without(s.countries, 'PK'),
              });
            app.toggle('provinces', [name], v);
          },
        }),
      );
      if (inner.length && this.openPlaces.has(key)) units(key, inner, t.moreDistricts);
    }
    const afghan = [...app.unitById.values()].filter((u) => u.country === 'AF').map((u) => u.id);
    if (afghan.length) {
      const n = byCountry.get('AF') ?? 0;
      out.push(
        this.row({
          key: 'country-AF',
          label: t.countries.AF!,
          n,
          max,
          on: s.countries.has('AF') ? true : afghan.some((id) => s.units.has(id)) ? 'mixed' : false,
          fold: fold('AF', t.countries.AF!),
          text: !n && !app.countryLoaded('AF') ? t.nothingLoadedLower : undefined,
          toggle: (v) => {
            if (v) app.set({ units: new Set([...s.units].filter((id) => !afghan.includes(id))) });
            app.toggle('countries', ['AF'], v);
          },
        }),
      );
      if (this.openPlaces.has('AF')) units('AF', afghan, t.moreProvinces);
    }
    return html`${out}`;
  }

  /** edition says which version of a data set is loaded and when it was fetched; nothing where nobody said. */
  private edition(d: Dataset | undefined): TemplateResult | typeof nothing {
    const day = d?.accessed ? parseIso(d.accessed.slice(0, 10)) : null;
    const fetched = d?.accessed ? t.accessed(day === null ? d.accessed : fmtDay(day)) : null;
    const parts = [d?.version ? t.version(d.version) : null, fetched].filter((x): x is string => !!x);
    return parts.length
      ? html`<p class="ed" data-edition=${d!.name}>${parts.map((x, k) => html`${k ? ' · ' : ''}<bdi>${x}</bdi>`)}</p>`
      : nothing;
  }
  private loadLink(): TemplateResult {
    return html`<button type="button" class="lnk ll" @click=${() => this.app.openLoad()}>${t.load.button}</button>`;
  }

  // ---- states

  private demoNote(): TemplateResult {
    return html`<div class="demo"><b>${t.demoTitle}</b><p>${t.demoText}</p><code>${t.demoCmd}</code><p class="or">${this.loadLink()}</p></div>`;
  }

  private withheldNotes(): TemplateResult[] {
    return this.app.withheld.map(
      (d) =>
        html`<div class="demo" data-withheld=${d.name}>
          <b>${t.withheldTitle(d.title || d.name)}</b><p>${t.withheldText(d.count)}</p>${this.edition(d)}
          <a href="./aggregates?by=unit,month&dataset=${encodeURIComponent(d.name)}">${t.withheldLink}</a>
        </div>`,
    );
  }

  private storeEmpty(): TemplateResult {
    if (this.app.withheld.length) return html`<div class="empty">${this.withheldNotes()}</div>`;
    return html`<div class="empty"><h2>${t.storeEmpty}</h2><p>${t.noneText}</p><p>${t.storeEmptyText}</p><code>${t.importCmd}</code><p>${this.loadLink()}</p></div>`;
  }

  /** empty says what was asked and how to go on; null when there is something to list. */
  private empty(): TemplateResult | null {
    const app = this.app;
    const m = app.model;
    if (!m || app.progress) return null;
    if (m.cols.n === 0) return this.storeEmpty();
    if (app.tally.total > 0) {
      if (this.list.n === 0) return html`<div class="empty"><p>${t.emptyTitle}.</p></div>`;
      return null;
    }
    const [a, b] = app.window;
    const [x, z] = app.fullAxis;
    const when = fmtRange(a, b);
    const chips = this.chipList();
    const covered = !app.datasets || app.timeCover.some(([s, e]) => s <= b && e >= a);
    if (!covered && m.countIf(a, b, 255) === 0) {
      const ends = app.timeCover.filter(([, e]) => e < a).pop();
      const begins = app.timeCover.find(([s]) => s > b);
      const last = ends?.[1];
      const y = last === undefined ? null : new Date(last * 864e5).getUTCFullYear();
      const from = y === null ? null : parseIso(`${y}-01-01`);
      return html`<div class="empty"><h2>${t.noneTitle(when)}</h2><p>${ends ? `${t.noneEnds(fmtDay(ends[1]))} ` : begins ? `${t.noneBegins(fmtDay(begins[0]))} ` : ''}${t.noneText}</p><ul>
        ${from !== null && last !== undefined ? this.out(t.goToLast, m.countIf(from, last, 0), () => app.setDays(from, last)) : nothing}
        ${this.out(t.widenAll, m.countIf(x, z, 0), () => app.set({ from: null, to: null }))}</ul></div>`;
    }
    const bits = [...new Set(chips.map((c) => c.bit))];
    const yr = app.year;
    const inYear = m.countIf(Math.max(x, yr.from), Math.min(z, yr.to), 0);
    return html`<div class="empty"><h2>${t.emptyTitle}</h2><p>${[...chips.map((c) => c.label), when].join(', ')}</p><ul>
      ${bits.map((bit) => {
        const of = chips.filter((c) => c.bit === bit);
        const n = m.countIf(a, b, bit);
        return n
          ? this.out(t.lift(of.map((c) => c.label).join(', ')), n, () => {
              for (const c of of) c.lift();
            })
          : nothing;
      })}
      ${inYear ? this.out(t.widenYear(yr.label), inYear, () => app.setDays(yr.from, yr.to)) : nothing}
      ${app.isWhole || !m.countIf(x, z, 0) ? nothing : this.out(t.widenAll, m.countIf(x, z, 0), () => app.set({ from: null, to: null }))}
      ${chips.length ? this.out(t.clearAll, m.countIf(a, b, 255), () => app.clearFilters()) : nothing}</ul></div>`;
  }
  private out(label: string, n: number, go: () => void): TemplateResult {
    return html`<li><button type="button" class="lnk" @click=${go}>${label}</button><span class="num">${fmt(n)}</span></li>`;
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
        html`<div class="bn w" role="alert"><span><b>${t.offlineTitle}</b>${t.offlineText(app.offline)}</span>${retry}</div>`,
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

const without = (s: Set<string>, v: string) => new Set([...s].filter((x) => x !== v));
