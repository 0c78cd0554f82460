// Whose data and boundaries these are; beside the map, and in the sheet when it covers the map.
import { html, nothing, type TemplateResult } from 'lit';
import { english } from '../lib/i18n';
import { t } from '../lib/strings.en';
import type { App } from '../state/app';

/** borderNote is the operator's words, or ours in the language of the page. */
export const borderNote = (app: App): string => {
  const own = app.datasets?.border_note;
  return own && own !== english.borderNoteFixed ? own : t.borderNoteFixed;
};

export function attribution(app: App): TemplateResult {
  // What the filters leave out is not shown, and a set whose rows were all refused has nothing to show.
  const all = (app.datasets?.datasets ?? []).filter(
    (d) => d.count > 0 && (!app.state.datasets.size || app.state.datasets.has(d.name)),
  );
  // Many sets may be called the same; one name is enough for them.
  const called = (d: (typeof all)[number]) => `${d.title || d.name} ${d.synthetic} ${d.sample}`;
  const sets = all.filter((d, k) => all.findIndex((o) => called(o) === called(d)) === k);
  // Whose boundaries these are is not known before the server says so: they may be the operator's own.
  const by = [
    app.datasets?.attribution,
    app.datasets?.places_attribution ?? t.placesBy,
    app.datasets?.base_layer?.attribution,
  ];
  return html`${t.dataBy}${
    sets.length
      ? sets.map(
          (d, k) =>
            html`${k ? t.comma : ''}<bdi>${d.title || d.name}</bdi>${d.synthetic ? html` <span class="tag w">${t.synthetic}</span>` : d.sample ? html` <span class="tag w">${t.sample}</span>` : nothing}`,
        )
      : app.datasets
        ? t.noneLoadedYet
        : t.noAnswer
  }${by.filter(Boolean).map((words) => html` · <bdi>${words}</bdi>`)}`;
}
