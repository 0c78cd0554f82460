// The filters that are on: a chip for each, and what it would take to lift it.
import { html, nothing, type TemplateResult } from 'lit';
import { icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { isolate } from '../lib/text';
import { precisionClass, wordsOfClass } from '../lib/vocab';
import { type App, typeWord } from '../state/app';
import { Facet } from '../state/model';
import { verificationWord } from './describe';

export interface Chip {
  label: string;
  /** the filter's bit in the model; 0 where the server filters, so that how many it keeps out is not known here */
  bit: number;
  lift: () => void;
}

/** subtypeWord is a sub-type as people read it. */
export const subtypeWord = (word: string): string =>
  word === 'none' ? t.subtypeNone : Object.hasOwn(t.subtypes, word) ? t.subtypes[word]! : word;

export function chipList(app: App): Chip[] {
  const s = app.state;
  const out: Chip[] = [];
  const put = (label: string, bit: number, lift: () => void) => out.push({ label, bit, lift });
  for (const k of [...s.types].sort()) put(typeWord(k), Facet.TYPE, () => app.toggle('types', [k], false));
  for (const v of s.subtypes) put(subtypeWord(v), Facet.SUBTYPE, () => app.toggle('subtypes', [v], false));
  for (const v of s.countries) put(t.countries[v] ?? v, Facet.PLACE, () => app.toggle('countries', [v], false));
  for (const v of s.provinces) put(app.provinceName(v), Facet.PLACE, () => app.toggle('provinces', [v], false));
  for (const v of s.units) put(app.filterName(v), Facet.PLACE, () => app.toggle('units', [v], false));
  const classes = new Set([...s.precisions].map((p) => precisionClass(p)));
  for (const k of [...classes].sort())
    put(t.precisions[k]!, Facet.PRECISION, () => app.toggle('precisions', wordsOfClass(k), false));
  if (s.min !== null) put(t.atLeastShort(s.min), Facet.KILLED, () => app.set({ min: null, only: null }));
  if (s.actor) put(t.actorChip(isolate(s.actor)), 0, () => app.set({ actor: '', only: null }));
  for (const v of s.verifications)
    put(verificationWord(v), Facet.VERIFICATION, () => app.toggle('verifications', [v], false));
  if (s.near !== null) put(t.nearChip(s.near), 0, () => app.set({ near: null, only: null }));
  for (const v of s.datasets) put(app.datasetTitle(v), Facet.DATASET, () => app.toggle('datasets', [v], false));
  if (s.q) put(t.wordsChip(isolate(s.q)), 0, () => app.set({ q: '', only: null }));
  return out;
}

/** chips are the filters in force; the one after a lifted one takes the keyboard's focus. */
export function chips(app: App): TemplateResult | typeof nothing {
  const list = chipList(app);
  if (!list.length) return nothing;
  const lift = (c: Chip, k: number) => {
    c.lift();
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (document.activeElement !== document.body && document.activeElement?.isConnected) return;
        const left = document.querySelectorAll<HTMLElement>('.chip');
        (
          left[Math.min(k, left.length - 1)] ?? document.querySelector<HTMLElement>('[role=tab][tabindex="0"]')
        )?.focus();
      }),
    );
  };
  return html`<div class="chips" role="group" aria-label=${t.filtersOn(list.length)}>${list.map(
    (c, k) =>
      html`<button type="button" class="chip" aria-label=${t.removeFilter(c.label)} @click=${() => lift(c, k)}><span>${c.label}</span>${icon('x')}</button>`,
  )}${list.length > 1 ? html`<button type="button" class="lnk" @click=${() => app.clearFilters()}>${t.clearAll}</button>` : nothing}</div>`;
}
