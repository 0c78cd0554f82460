// The facets: what can be filtered by, each choice with how many incidents it has under all other filters and the window.
import './facets.css';
import { html, nothing, type TemplateResult } from 'lit';
import { type ColumnsHeader, NOT_STATED } from '../lib/columns';
import { glyph, icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { typeOfSubtype } from '../lib/subtypes';
import { fmt, plainError } from '../lib/text';
import { N_PRECISION_CLASSES, N_TYPES, precisionClass, wordsOfClass } from '../lib/vocab';
import { type App, typeWord } from '../state/app';
import { KILL_STEPS } from '../state/model';
import { served } from '../state/permalink';
import { Asked, askActors, askSteps } from './asked';
import { subtypeWord } from './chips';
import { verificationWord } from './describe';
import { demoNote, edition, loadLink, storeEmpty, withheldNotes } from './notes';

const FEW = 5;
/** ACTORS are listed once more are asked for; a word of the name finds the others. */
const ACTORS = 60;
/** STEPS are the distances to the border that can be chosen, in kilometres. */
export const STEPS = [0, 5, 10, 25, 50, 100];

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

const most = (a: ArrayLike<number>, n: number): number => {
  let m = 1;
  for (let i = 0; i < n; i++) m = Math.max(m, a[i]!);
  return m;
};

/** hasWords: every word occurs in the text, as the server looks for actors. */
export const hasWords = (text: string, words: string): boolean => {
  const low = text.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((w) => low.includes(w));
};

export class Facets {
  private openPlaces = new Set<string>(['PK|Khyber Pakhtunkhwa']);
  /** lists that are shown whole */
  private allOf = new Set<string>();
  private shut: Set<string>;
  /** what is typed and not yet taken; null where the field shows the filter */
  private typed: Record<'actor' | 'q', string | null> = { actor: null, q: null };
  private actors: Asked<import('./asked').Actors>;
  private steps: Asked<Map<number, number>>;

  constructor(private app: App) {
    const s = app.state;
    // What is long, or has to be asked for, begins shut unless something is chosen in it.
    this.shut = new Set(
      Object.entries({
        subtype: s.subtypes.size,
        actor: s.actor,
        verification: s.verifications.size,
        border: s.near !== null,
      })
        .filter(([, chosen]) => !chosen)
        .map(([id]) => id),
    );
    this.actors = new Asked(app, 'actor', askActors);
    this.steps = new Asked(app, 'border_km', (params, signal) => askSteps(this.kilometres, params, signal));
  }

  /** kilometres are the steps and what a link asked for. */
  private get kilometres(): number[] {
    const near = this.app.state.near;
    return near === null || STEPS.includes(near) ? STEPS : [...STEPS, near].sort((a, b) => a - b);
  }

  private redraw(): void {
    this.app.touch({ ui: true });
  }

  /** section folds away; shut, it shows what is chosen in it. */
  private section(
    id: string,
    head: string,
    chosen: string[],
    body: () => TemplateResult,
    clear: () => void,
  ): TemplateResult {
    const open = !this.shut.has(id);
    const n = chosen.length;
    return html`<section class="fs ${open ? '' : 'shut'}" data-facet=${id}><h2><button type="button" aria-expanded=${open} @click=${() => {
      if (open) this.shut.add(id);
      else this.shut.delete(id);
      this.redraw();
    }}>${head}<span class="v ${n ? 'has' : ''}" dir="auto">${n ? (open ? t.chosen(n) : chosen.join(t.comma)) : t.any}</span>${icon(open ? 'chev' : 'chr')}</button>${n ? html`<button type="button" class="lnk" aria-label="${t.clear}: ${head}" @click=${clear}>${t.clear}</button>` : nothing}</h2>${open ? body() : nothing}</section>`;
  }

  private row(r: Row): TemplateResult {
    const id = `f-${r.key}`;
    return html`<div class="fr ${r.sign ? '' : 'nosh'} ${r.n || r.text ? '' : 'zero'} ${r.inner ? 'in' : ''} ${r.fold ? 'fold' : ''}">
      <label><input type="checkbox" id=${id} data-key=${r.key} .checked=${r.on === true} .indeterminate=${r.on === 'mixed'} @change=${(e: Event) => r.toggle((e.target as HTMLInputElement).checked)}>
      ${r.sign ?? nothing}<span class="l" title=${r.label}><bdi>${r.label}</bdi></span>${
        r.text
          ? html`<span class="tx">${r.text}</span>`
          : html`<span class="tick"><i style="background-size:${r.n ? Math.max(1.4, (100 * r.n) / Math.max(1, r.max)).toFixed(1) : 0}% 100%"></i></span><span class="n num">${fmt(r.n)}</span>`
      }</label>${r.fold ? html`<button type="button" class="exp" aria-expanded=${r.fold.open} aria-label=${r.fold.label} @click=${r.fold.flip}>${icon(r.fold.open ? 'chev' : 'chr')}</button>` : nothing}</div>`;
  }

  view(): TemplateResult {
    const app = this.app;
    const h = app.header;
    const s = app.state;
    if (app.model && app.header!.count === 0 && !app.progress && !served(s))
      return html`<div class="scroll" id="filters">${storeEmpty(app)}</div>`;
    if (!h)
      return html`<div class="scroll" id="filters" role="tabpanel" aria-labelledby="tab-filters" tabindex="0">${app.failed ? nothing : html`<div class="empty"><p>${t.loading}</p></div>`}</div>`;
    const classes = [...new Set([...s.precisions].map(precisionClass))].sort();
    const places = [
      ...[...s.countries].map((v) => t.countries[v] ?? v),
      ...[...s.provinces].map((v) => app.provinceName(v)),
      ...[...s.units].map((v) => app.unitName(v)),
    ];
    return html`<div class="scroll" id="filters" role="tabpanel" aria-labelledby="tab-filters" tabindex="0">
      ${app.onlySamples ? demoNote(app) : nothing} ${withheldNotes(app)}
      ${this.section(
        'type',
        t.facets.type,
        [...s.types].sort().map(typeWord),
        () => this.types(),
        () => app.set({ types: new Set() }),
      )}
      ${this.section(
        'subtype',
        t.facets.subtype,
        [...s.subtypes].map(subtypeWord),
        () => this.subtypes(h),
        () => app.set({ subtypes: new Set() }),
      )}
      ${this.section(
        'place',
        t.facets.place,
        places,
        () => this.places(),
        () => app.set({ units: new Set(), provinces: new Set(), countries: new Set() }),
      )}
      ${this.section(
        'precision',
        t.facets.precision,
        classes.map((k) => t.precisions[k]!),
        () => this.precisions(h),
        () => app.set({ precisions: new Set() }),
      )}
      ${this.section(
        'killed',
        t.facets.killed,
        s.min === null ? [] : [t.atLeast(s.min)],
        () => this.killed(),
        () => app.set({ min: null }),
      )}
      ${this.section(
        'actor',
        t.facets.actor,
        s.actor ? [s.actor] : [],
        () => this.byActor(),
        () => app.set({ actor: '' }),
      )}
      ${this.section(
        'verification',
        t.facets.verification,
        [...s.verifications].map(verificationWord),
        () => this.verifications(h),
        () => app.set({ verifications: new Set() }),
      )}
      ${this.section(
        'border',
        t.facets.border,
        s.near === null ? [] : [t.nearStep(s.near)],
        () => this.border(),
        () => app.set({ near: null }),
      )}
      ${this.section(
        'dataset',
        t.facets.dataset,
        [...s.datasets].map((v) => app.datasetTitle(v)),
        () => this.datasets(h),
        () => app.set({ datasets: new Set() }),
      )}
      ${this.section(
        'words',
        t.facets.words,
        s.q ? [s.q] : [],
        () => html`${this.field('q', t.wordsLabel)}<p class="note">${t.wordsNote}</p>`,
        () => app.set({ q: '' }),
      )}
    </div>`;
  }

  // ---- what the columns hold

  private types(): TemplateResult {
    const app = this.app;
    const n = app.tally.fType;
    const max = most(n, N_TYPES);
    return html`${Array.from({ length: N_TYPES }, (_, k) =>
      this.row({
        key: `type-${k}`,
        label: t.types[k]!,
        n: n[k]!,
        max,
        on: app.state.types.has(k),
        sign: glyph(k),
        toggle: (on) => app.toggle('types', [k], on),
      }),
    )}`;
  }

  private subtypes(h: ColumnsHeader): TemplateResult {
    const app = this.app;
    const s = app.state;
    const count = app.tally.fSubtype;
    const rows = h.sub_event_types
      .map((word, i) => ({ word, n: count[i]! }))
      .concat({ word: 'none', n: count[NOT_STATED]! })
      .sort((a, b) => b.n - a.n);
    const all = this.allOf.has('subtype');
    const shown = all ? rows : rows.filter((r, k) => k < FEW || s.subtypes.has(r.word));
    const max = most(count, 256);
    return html`${shown.map(({ word, n }) =>
      this.row({
        key: `subtype-${word}`,
        label: subtypeWord(word),
        n,
        max,
        on: s.subtypes.has(word),
        sign: glyph(typeOfSubtype(word) ?? 6),
        toggle: (on) => app.toggle('subtypes', [word], on),
      }),
    )}${this.more('subtype', rows.length - shown.length, t.moreSubtypes)}`;
  }

  /** more shows a list whole, or only its beginning again. */
  private more(key: string, hidden: number, words: (n: number) => string): TemplateResult | typeof nothing {
    const all = this.allOf.has(key);
    if (!hidden && !all) return nothing;
    return html`<button type="button" class="more" data-more=${key} @click=${() => {
      if (all) this.allOf.delete(key);
      else this.allOf.add(key);
      this.redraw();
    }}>${all ? t.fewer : words(hidden)}</button>`;
  }

  private precisions(h: ColumnsHeader): TemplateResult {
    const app = this.app;
    const byClass = new Array<number>(N_PRECISION_CLASSES).fill(0);
    h.precisions.forEach((w, i) => {
      byClass[precisionClass(w)]! += app.tally.fPrecision[i]!;
    });
    const max = most(byClass, N_PRECISION_CLASSES);
    return html`${byClass.map((n, k) => {
      const words = wordsOfClass(k);
      const has = words.filter((w) => app.state.precisions.has(w)).length;
      return this.row({
        key: `precision-${k}`,
        label: t.precisions[k]!,
        n,
        max,
        on: has === 0 ? false : has === words.length ? true : 'mixed',
        sign: html`<span class="ps">${icon(`p${k}`)}</span>`,
        toggle: (on) => app.toggle('precisions', words, on),
      });
    })}`;
  }

  private killed(): TemplateResult {
    const app = this.app;
    const s = app.state;
    // Each step counts itself and everything above.
    const from = KILL_STEPS.map((_, k) => {
      let n = 0;
      for (let j = k; j < KILL_STEPS.length; j++) n += app.tally.fKilled[j]!;
      return n;
    });
    const max = Math.max(1, from[0]!);
    return html`<div role="group" aria-label=${t.facets.killed}>${KILL_STEPS.map((v, k) =>
      this.row({
        key: `min-${v}`,
        label: t.atLeast(v),
        n: from[k]!,
        max,
        on: s.min === v,
        toggle: (on) => app.set({ min: on ? v : null, only: null }),
      }),
    )}</div><div class="min"><label for="min">${t.minLabel}</label><input id="min" class="inp num" inputmode="numeric" type="number" min="0" max="65000" step="1" .value=${s.min === null ? '' : String(s.min)}
      @change=${(e: Event) => {
        const v = (e.target as HTMLInputElement).value.trim();
        app.set({ min: /^\d{1,5}$/.test(v) ? Number(v) : null, only: null });
      }}> ${t.minUnit}</div><p class="note">${t.killedNote}</p>`;
  }

  private verifications(h: ColumnsHeader): TemplateResult {
    const app = this.app;
    const n = app.tally.fVerification;
    const max = most(n, h.verifications.length);
    return html`${h.verifications.map((word, i) =>
      this.row({
        key: `verification-${word}`,
        label: verificationWord(word),
        n: n[i]!,
        max,
        on: app.state.verifications.has(word),
        toggle: (on) => app.toggle('verifications', [word], on),
      }),
    )}`;
  }

  private datasets(h: ColumnsHeader): TemplateResult {
    const app = this.app;
    const n = app.tally.fDataset;
    const max = most(n, h.datasets.length);
    return html`${h.datasets.map((name, i) => {
      const d = app.dataset(name);
      // Its rows were all refused: there is nothing to choose.
      if (d?.count === 0 && !app.state.datasets.has(name)) return nothing;
      return html`${this.row({
        key: `dataset-${name}`,
        label: `${app.datasetTitle(name)}${d?.synthetic ? ` (${t.synthetic.toLowerCase()})` : d?.sample && !/sample/i.test(app.datasetTitle(name)) ? ` (${t.sample.toLowerCase()})` : ''}`,
        n: n[i]!,
        max,
        on: app.state.datasets.has(name),
        toggle: (on) => app.toggle('datasets', [name], on),
      })}${edition(d)}`;
    })}${loadLink(app)}`;
  }

  // ---- what the server has to be asked

  /** field takes words for a filter: Enter or the button takes them, what is only typed filters nothing. */
  private field(name: 'actor' | 'q', label: string): TemplateResult {
    const app = this.app;
    const typed = this.typed[name];
    return html`<form @submit=${(e: Event) => {
      e.preventDefault();
      const words = (this.typed[name] ?? app.state[name]).trim().replace(/\s+/g, ' ');
      this.typed[name] = null;
      app.set({ [name]: words, only: null });
    }}><label class="wl" for="words-${name}">${label}</label><div class="wf"><input id="words-${name}" class="inp" type="text" dir="auto" maxlength="200" autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="search"
      .value=${typed ?? app.state[name]} @input=${(e: Event) => {
        this.typed[name] = (e.target as HTMLInputElement).value;
        this.redraw();
      }}><button class="btn" data-find=${name}>${t.wordsFind}</button></div></form>`;
  }

  /** state says whether counts that were asked for are there, old, or did not come. */
  private stateOf(a: Asked<unknown>): TemplateResult | typeof nothing {
    if (a.behind) return html`<p class="note" data-behind>${a.have ? t.behind : `${t.counting} …`}</p>`;
    if (a.failed)
      return html`<p class="note">${t.notCounted} ${plainError(a.failed, t.noConnection)} <button type="button" class="lnk" @click=${() => a.again()}>${t.tryAgain}</button></p>`;
    return nothing;
  }

  private byActor(): TemplateResult {
    const app = this.app;
    const a = this.actors;
    a.want();
    const words = app.state.actor;
    const typed = this.typed.actor?.trim() ?? '';
    const all = this.allOf.has('actor');
    const every = a.have?.rows ?? [];
    const rows = typed ? every.filter((r) => hasWords(r.name, typed)) : every;
    const same = (name: string) => name.toLowerCase() === words.toLowerCase();
    const shown = rows.filter((r, k) => k < (all || typed ? ACTORS : FEW) || same(r.name));
    const max = every[0]?.n ?? 1;
    const take = (name: string) => (on: boolean) => {
      this.typed.actor = null;
      app.set({ actor: on ? name : '', only: null });
    };
    const hidden = rows.length - shown.length;
    return html`${this.field('actor', t.actorLabel)}<div class=${a.behind ? 'behind' : ''} role="group" aria-label=${t.facets.actor}>${
      words && !typed && !every.some((r) => same(r.name) && r.n === app.tally.total)
        ? this.row({
            key: 'actor-words',
            label: t.actorAny(words),
            n: app.tally.total,
            max: Math.max(max, app.tally.total),
            on: true,
            toggle: take(words),
          })
        : nothing
    }${shown.map((r) => this.row({ key: `actor-${r.name}`, label: r.name, n: r.n, max, on: same(r.name), toggle: take(r.name) }))}</div>${
      typed && a.have && !rows.length ? html`<p class="note">${t.noActor(typed)}</p>` : nothing
    }${
      typed || (all && hidden > 0)
        ? html`${hidden > 0 ? html`<p class="note">${t.actorsBeyond(hidden)}</p>` : nothing}${typed ? nothing : this.more('actor', 0, t.moreActors)}`
        : this.more('actor', hidden, t.moreActors)
    }${this.stateOf(a)}${
      a.have?.withheld.length
        ? html`<p class="note" data-actor-withheld>${t.actorWithheld(a.have.withheld.map((d) => app.datasetTitle(d)).join(t.comma))}</p>`
        : nothing
    }<p class="note">${t.actorNote}</p>`;
  }

  private border(): TemplateResult {
    const app = this.app;
    const a = this.steps;
    a.want();
    const near = app.state.near;
    const km = this.kilometres;
    const max = Math.max(1, ...(a.have?.values() ?? []));
    return html`<div class=${a.behind ? 'behind' : ''} role="group" aria-label=${t.facets.border}>${km.map((v) => {
      const n = a.have?.get(v);
      return this.row({
        key: `near-${v}`,
        label: t.nearStep(v),
        n: n ?? 0,
        max,
        on: near === v,
        text: n === undefined ? '…' : undefined,
        toggle: (on) => app.set({ near: on ? v : null, only: null }),
      });
    })}</div>${this.stateOf(a)}<p class="note">${t.nearNote}</p>`;
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
            label: app.filterName(id),
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
      for (const id of h.units)
        if (app.former(id)?.province === name && (unitCount.get(id) || s.units.has(id))) inner.push(id);
      if (rank(key) === 2 && !n && !s.provinces.has(name)) continue;
      const some = inner.some((id) => s.units.has(id));
      const on = s.provinces.has(name) ? true : some ? ('mixed' as const) : false;
      out.push(
        this.row({
          key: `province-${name}`,
          label: app.provinceName(name),
          n,
          max,
          on,
          fold: inner.length ? fold(key, app.provinceName(name)) : undefined,
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
}

const without = (s: Set<string>, v: string) => new Set([...s].filter((x) => x !== v));
