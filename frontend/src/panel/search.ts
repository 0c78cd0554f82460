// The search box: names of places in any script, asked of the server while somebody types. What is found is marked as a
// result of the search, never as an incident; what has no known position is shown as the area that is known.
import { html, nothing, render, type TemplateResult } from 'lit';
import { ApiError, getPlace, type PlaceAnswer, type PlaceCandidate } from '../api/client';
import { language, localName, onWords } from '../lib/i18n';
import { icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { COUNTRIES } from '../space/names';
import type { App, Found } from '../state/app';

const DELAY = 160;
const MOST = 8;

interface Option {
  key: string;
  name: string;
  local: string | null;
  kind: string;
  where: string;
  /** why this one, if that is not plain */
  why?: string;
  /** tells places with a position apart */
  at?: string;
  find: () => Promise<Found>;
}
/** Choice is what can be chosen: a place, or words, which find no place. */
type Choice = Omit<Option, 'find'> & { find: () => Promise<Found | null> };

/** wordsOption filters the incidents by what was typed. */
const wordsOption = (app: App, q: string): Choice => ({
  key: 'words',
  name: q,
  local: null,
  kind: t.searchWordsKind,
  where: t.searchWords,
  find: async () => {
    app.set({ q: q.replace(/\s+/g, ' '), only: null, tab: 'list' });
    return null;
  },
});

/** optionsOf are the readings of an answer, the best first; a province or a country is one where no unit is known. */
export function optionsOf(app: App, a: PlaceAnswer): Option[] {
  const out: Option[] = [];
  for (const [i, c] of a.candidates.entries()) {
    const name = c.place ?? c.name;
    if (c.unit_id === null) {
      const o = areaOption(app, name, c.kind, i);
      if (o) out.push(o);
      continue;
    }
    // The seat of a district goes by the name of a town or tehsil that is known better.
    if (
      c.kind === 'seat' &&
      c.lon === null &&
      a.candidates.some((x) => x !== c && x.unit_id === c.unit_id && x.place === c.place && x.kind !== 'seat')
    )
      continue;
    const id = c.unit_id;
    const of = app.unitById.get(id);
    const kind =
      c.kind === 'unit' || !c.kind
        ? unitKind(of?.kind, of?.country)
        : c.kind === 'subunit' && of
          ? t.placeKinds[of.country === 'AF' ? 'district' : 'tehsil']!
          : (t.placeKinds[c.kind] ?? t.placeKinds.area!);
    const where = [
      c.place ? app.unitName(id) : c.kind === 'former' ? c.name : null,
      of && app.provinceName(of.province),
      of && t.countries[of.country],
    ]
      .filter((w, k, all): w is string => !!w && w !== name && all.indexOf(w) === k)
      .join(t.comma);
    // A crossing lies in two units and is one place.
    const same = c.lon === null ? undefined : out.find((o) => o.at === `${name}|${c.lon}|${c.lat}`);
    if (same) {
      same.where = `${same.where} / ${where}`;
      continue;
    }
    out.push({
      key: `${i}-${c.unit_id}-${name}`,
      at: `${name}|${c.lon}|${c.lat}`,
      name,
      local: c.local && c.local !== name ? c.local : null,
      kind,
      where,
      // Where the name itself is not that of the unit, the reason says what they have to do with each other.
      why: a.status === 'ambiguous' && !c.place ? (c.reasons[0] ?? '') : '',
      find: () => foundOf(app, c, id, name, kind),
    });
  }
  if (!out.length && a.lon !== null && a.lat !== null && a.name)
    out.push({
      key: 'point',
      name: a.name,
      local: null,
      kind: t.placeKinds.area!,
      where: [a.province && app.provinceName(a.province), a.country && t.countries[a.country]]
        .filter(Boolean)
        .join(t.comma),
      find: async () => ({
        name: a.name!,
        kind: t.placeKinds.area!,
        note: null,
        at: [a.lat!, a.lon!],
        units: [],
        shapes: [],
      }),
    });
  if (!out.length && a.country && (a.precision === 'province' || a.precision === 'country')) {
    const whole = a.precision === 'country' || !a.province;
    const o = areaOption(
      app,
      whole ? (COUNTRIES.find((c) => c.code === a.country)?.name ?? a.country) : a.province!,
      a.precision,
      0,
    );
    if (o) out.push(o);
  }
  return out;
}

/** areaOption is a province or a country: all of its units. Null for what is neither. */
function areaOption(app: App, name: string, kind: string, i: number): Option | null {
  const all = [...app.unitById.values()];
  const country = kind === 'country';
  const code = COUNTRIES.find((c) => c.name === name)?.code;
  const units = all.filter((u) => (country ? u.country === code : u.province === name));
  if (!units.length) return null;
  const words = country ? t.placeKinds.country! : t.placeKinds.province!;
  const shown = country ? t.countries[code!]! : app.provinceName(name);
  return {
    key: `${i}-${name}`,
    name: shown,
    local: null,
    kind: words,
    where: country ? '' : (t.countries[units[0]!.country] ?? units[0]!.country),
    find: async () => ({ name: shown, kind: words, note: null, at: null, units: units.map((u) => u.id), shapes: [] }),
  };
}
const unitKind = (kind: string | undefined, country: string | undefined): string =>
  kind === 'district' ? t.placeKinds.district! : kind && country === 'AF' ? t.placeKinds.province! : t.placeKinds.unit!;

/** foundOf says what the map is to show of a candidate: its position, else the smallest area that is known to hold it. */
async function foundOf(app: App, c: PlaceCandidate, id: string, name: string, kind: string): Promise<Found> {
  const found: Found = { name, kind, note: null, at: null, units: [], shapes: [] };
  const instead = (kind: string, shown: string) => t.shownInstead(name, kind.toLowerCase(), shown);
  const own = c.kind === 'unit' || c.kind === 'former' || c.kind === 'subunit' || !c.kind;
  if (c.lon !== null && c.lat !== null && !own) return { ...found, at: [c.lat, c.lon] };
  if (c.subunit_id) {
    const sub = await app.place(c.subunit_id);
    if (sub?.geometry) {
      if (!own)
        found.note = instead(`${t.placeKinds[sub.properties.kind] ?? t.placeKinds.subunit}`, localName(sub.properties));
      return { ...found, shapes: [sub] };
    }
  }
  if (app.unitById.has(id)) {
    if (!own || c.kind === 'subunit')
      found.note = instead(unitKind(app.unitById.get(id)?.kind, app.unitById.get(id)?.country), app.unitName(id));
    return { ...found, units: [id] };
  }
  const former = await app.place(id);
  if (!former) return { ...found, note: t.notDrawn(name) };
  const units = former.properties.units ?? [];
  if (!own) found.note = instead(t.placeKinds.former!, app.unitName(id));
  else found.note = t.formerShown(units.map((id) => app.unitName(id)).join(t.comma), former.properties.part ?? false);
  return { ...found, name: own ? app.unitName(id) : name, units };
}

export class Search {
  readonly el = document.createElement('div');
  private text = '';
  private answer: { q: string; places: number; options: Choice[]; ambiguous: boolean; whole: boolean } | null = null;
  private failed = '';
  private active = -1;
  private open = false;
  /** Enter was pressed before the answer was there */
  private hurry = false;
  private abort: AbortController | null = null;
  private timer = 0;
  /** on a phone the box lies over the bar when it is asked for */
  private over = false;

  constructor(
    private app: App,
    private redraw: () => void,
  ) {
    this.el.className = 'search';
    this.el.setAttribute('role', 'search');
    document.addEventListener('click', (e) => {
      if ((this.open || this.over) && !(e.target as Element).closest('.search,[data-search-button]')) this.shut();
    });
    document.addEventListener('keydown', (e) => {
      if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || (e.target as Element).closest('input,select,textarea'))
        return;
      e.preventDefault();
      this.begin();
    });
    onWords(() => this.draw());
    this.draw();
  }

  get isOver(): boolean {
    return this.over;
  }
  /** begin puts the box over the bar where that is narrow, and goes to it. */
  begin(): void {
    this.over = matchMedia('(max-width: 719px)').matches;
    this.redraw();
    this.draw();
    const input = this.input;
    input?.focus();
    input?.select();
  }
  private get input(): HTMLInputElement | null {
    return this.el.querySelector('input');
  }
  private shut(): void {
    this.open = false;
    this.active = -1;
    if (this.over) {
      this.over = false;
      this.redraw();
    }
    this.draw();
  }

  private typed(v: string): void {
    this.text = v;
    this.active = -1;
    this.hurry = false;
    this.failed = '';
    clearTimeout(this.timer);
    this.abort?.abort(); // an answer to what stood there before is not wanted any more
    if (!v.trim()) {
      this.answer = null;
      this.open = false;
      this.draw();
      return;
    }
    this.timer = window.setTimeout(() => void this.ask(v.trim()), DELAY);
    this.draw();
  }

  private async ask(q: string): Promise<void> {
    const ctl = new AbortController();
    this.abort = ctl;
    try {
      const a = await getPlace(q, MOST, ctl.signal);
      if (ctl.signal.aborted) return;
      const options = optionsOf(this.app, a);
      this.answer = {
        q,
        places: options.length,
        options: [...options, wordsOption(this.app, q)],
        ambiguous: a.status === 'ambiguous' && options.length > 1,
        whole: a.status !== 'unknown' || (a.candidates.length === 0 && a.precision !== 'none'),
      };
      this.failed = '';
      this.open = true;
      this.active = -1;
      this.draw();
      if (this.hurry) this.enter();
    } catch (e) {
      if (ctl.signal.aborted) return;
      // Words can be looked for without the places.
      this.answer = { q, places: 0, options: [wordsOption(this.app, q)], ambiguous: false, whole: true };
      this.failed = e instanceof ApiError && e.status < 500 && e.status !== 404 ? e.message : t.searchFailed;
      this.open = true;
      this.draw();
    }
  }

  /** enter takes the chosen option, or the first where there is no doubt about it. */
  private enter(): void {
    this.hurry = false;
    const o = this.answer?.options ?? [];
    const places = this.answer?.places ?? 0;
    if (this.active >= 0) void this.take(o[this.active]!);
    else if (places === 1 || (places && this.answer!.whole && !this.answer!.ambiguous)) void this.take(o[0]!);
    else if (o.length) {
      this.open = true;
      this.active = 0;
      this.draw();
    }
  }

  private async take(o: Choice): Promise<void> {
    this.text = o.key === 'words' ? '' : o.name;
    this.open = false;
    this.active = -1;
    // On a phone the keyboard would stand over what was found.
    if (this.over) this.input?.blur();
    this.shut();
    try {
      this.app.show(await o.find());
    } catch {
      this.failed = t.searchFailed;
      this.open = true;
      this.draw();
    }
  }

  private key(e: KeyboardEvent): void {
    const n = this.open ? (this.answer?.options.length ?? 0) : 0;
    const go = (to: number) => {
      e.preventDefault();
      this.active = to;
      this.draw();
      this.el.querySelector(`#found-${to}`)?.scrollIntoView({ block: 'nearest' });
    };
    switch (e.key) {
      case 'ArrowDown':
      case 'ArrowUp':
        if (!n) {
          if (!this.answer?.options.length) return;
          this.open = true;
          go(e.key === 'ArrowDown' ? 0 : this.answer.options.length - 1);
          return;
        }
        go(e.key === 'ArrowDown' ? (this.active + 1) % n : this.active <= 0 ? n - 1 : this.active - 1);
        return;
      case 'Home':
      case 'End':
        // Without a chosen option these keys belong to the text.
        if (n && this.active >= 0) go(e.key === 'Home' ? 0 : n - 1);
        return;
      case 'Enter':
        e.preventDefault();
        if (this.answer && this.answer.q === this.text.trim()) this.enter();
        else if (this.text.trim() && !this.open) this.typed(this.text);
        this.hurry = !!this.text.trim() && this.answer?.q !== this.text.trim();
        return;
      case 'Escape':
        if (!this.open && !this.text && !this.over) return;
        e.preventDefault();
        e.stopPropagation();
        if (this.open) {
          this.open = false;
          this.active = -1;
          this.draw();
        } else if (this.text) {
          this.typed('');
          this.app.show(null);
        } else this.shut();
    }
  }

  private words(): string {
    if (this.failed) return this.failed;
    const a = this.answer;
    if (!a || !this.open) return '';
    const n = a.places;
    if (!n) return t.notPlaced(a.q);
    if (a.ambiguous) return t.placesOfName(n);
    return a.whole ? t.placesFound(n) : t.placesBegin(n, a.q);
  }

  private option(o: Choice, i: number): TemplateResult {
    return html`<li role="option" id="found-${i}" aria-selected=${i === this.active} class=${i === this.active ? 'on' : ''} @mousedown=${(e: Event) => e.preventDefault()}
      @click=${() => void this.take(o)} @mousemove=${() => {
        if (this.active === i) return;
        this.active = i;
        this.draw();
      }}><span class="n"><bdi dir="auto">${o.name}</bdi>${o.local ? html` <bdi class="ar" dir="auto" lang=${language() === 'en' ? 'ur' : nothing}>${o.local}</bdi>` : nothing}</span><span class="k">${o.kind}</span>${o.where ? html`<small>${o.where}</small>` : nothing}${o.why ? html`<small dir="auto">${o.why}</small>` : nothing}</li>`;
  }

  private draw(): void {
    const options = this.answer?.options ?? [];
    const shown = this.open && options.length > 0;
    const words = this.words();
    this.el.classList.toggle('over', this.over);
    render(
      html`<label class="vh" for="search">${t.searchLabel}</label><span class="sb">${icon('search')}<input id="search" type="text" role="combobox" dir="auto" autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="search" maxlength="200"
          placeholder=${t.searchHint} aria-expanded=${shown} aria-controls="found" aria-autocomplete="list" aria-activedescendant=${shown && this.active >= 0 ? `found-${this.active}` : nothing}
          .value=${this.text} @input=${(e: InputEvent) => this.typed((e.target as HTMLInputElement).value)} @keydown=${(e: KeyboardEvent) => this.key(e)}
          @focus=${() => {
            if (this.answer && this.text && this.answer.q === this.text.trim()) {
              this.open = true;
              this.draw();
            }
          }} @blur=${(e: FocusEvent) => {
            if (!this.over && !(e.relatedTarget as Element | null)?.closest?.('.search')) this.shut();
          }}>${
            this.text || this.over
              ? html`<button type="button" class="cl0" aria-label=${t.searchClear} title=${t.searchClear} @mousedown=${(e: Event) => e.preventDefault()} @click=${() => {
                  const had = this.text;
                  this.typed('');
                  this.app.show(null);
                  if (had) this.input?.focus();
                  else this.shut();
                }}>${icon('x')}</button>`
              : html`<kbd aria-hidden="true">/</kbd>`
          }</span>
        <div class="menu res" ?hidden=${!this.open || (!shown && !words)}><p class="rs" aria-hidden="true">${words}</p><ul id="found" role="listbox" aria-label=${t.searchResults} ?hidden=${!shown}>${options.map((o, i) => this.option(o, i))}</ul><p class="by">${this.app.datasets?.places_attribution ?? t.placesBy}</p></div>
        <span class="vh" role="status" aria-live="polite" data-search-status>${words}${shown ? ` ${t.searchKeys}` : ''}</span>`,
      this.el,
    );
  }
}
