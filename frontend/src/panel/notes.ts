// What the panel says of what is loaded.
import { html, nothing, type TemplateResult } from 'lit';
import type { Dataset } from '../api/client';
import { fmtDay, parseIso } from '../lib/dates';
import { t } from '../lib/strings.en';
import type { App } from '../state/app';

/** edition says which version of a data set is loaded and when it was fetched; nothing where nobody said. */
export function edition(d: Dataset | undefined): TemplateResult | typeof nothing {
  const day = d?.accessed ? parseIso(d.accessed.slice(0, 10)) : null;
  const fetched = d?.accessed ? t.accessed(day === null ? d.accessed : fmtDay(day)) : null;
  const parts = [d?.version ? t.version(d.version) : null, fetched].filter((x): x is string => !!x);
  return parts.length
    ? html`<p class="ed" data-edition=${d!.name}>${parts.map((x, k) => html`${k ? ' · ' : ''}<bdi>${x}</bdi>`)}</p>`
    : nothing;
}
/** loadLink leads to the view of loads. */
export function loadLink(app: App): TemplateResult {
  return html`<button type="button" class="lnk ll" @click=${() => app.openLoad()}>${t.load.button}</button>`;
}

/** demoNote says that only the sample is loaded. */
export function demoNote(app: App): TemplateResult {
  return html`<div class="demo"><b>${t.demoTitle}</b><p>${t.demoText}</p><code>${t.demoCmd}</code><p class="or">${loadLink(app)}</p></div>`;
}

/** withheldNotes name the data sets of which only counts may be shown. */
export function withheldNotes(app: App): TemplateResult[] {
  return app.withheld.map(
    (d) =>
      html`<div class="demo" data-withheld=${d.name}>
        <b>${t.withheldTitle(d.title || d.name)}</b><p>${t.withheldText(d.count)}</p>${edition(d)}
        <a href="./aggregates?by=unit,month&dataset=${encodeURIComponent(d.name)}">${t.withheldLink}</a>
      </div>`,
  );
}

/** storeEmpty says how incidents come into an empty store. */
export function storeEmpty(app: App): TemplateResult {
  if (app.withheld.length) return html`<div class="empty">${withheldNotes(app)}</div>`;
  return html`<div class="empty"><h2>${t.storeEmpty}</h2><p>${t.noneText}</p><p>${t.storeEmptyText}</p><code>${t.importCmd}</code><p>${loadLink(app)}</p></div>`;
}
